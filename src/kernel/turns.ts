/** Does something in the turn of the event loop after the next, unless what it returns is called before. */
export function afterNextTurn(work: () => void): () => void {
  let immediate = setImmediate(() => {
    immediate = setImmediate(work);
  });
  return () => clearImmediate(immediate);
}
