/**
 * A `fetch` whose calls end with this signal, for clients that must not get to know it: the vendors' SDKs tie a signal to a call by weak
 * references, which keep everything that belongs to the call in memory until the next full garbage collection.
 */
export function boundTo(signal: AbortSignal, fetch: typeof globalThis.fetch): typeof globalThis.fetch {
  return (input, init) => fetch(input, { ...init, signal });
}
