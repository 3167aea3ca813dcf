/** Does what a setting asks for at the start; a failure names the setting, so that whoever reads it knows what to change. */
export async function asSet<T>(setting: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw new Error(`${setting}: ${wordsOf(error)}`, { cause: error });
  }
}

/** The message and that of its cause; errors of several addresses have a code only. */
function wordsOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const own = error.message === '' && 'code' in error ? String(error.code) : error.message;
  return error.cause instanceof Error ? `${own}: ${wordsOf(error.cause)}` : own;
}
