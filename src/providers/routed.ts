const wayOfCall = Symbol('way of the call');

interface RoutedInit extends RequestInit {
  [wayOfCall]?: typeof fetch;
}

/** What the SDKs let a call add to its request. */
type CallOptions = Omit<RoutedInit, 'body' | 'headers' | 'method' | 'signal'>;

/** The `fetch` of a vendor's client. One client serves all calls; each goes by the `fetch` that it was given by `routed`. */
export const routedFetch: typeof fetch = (input, init: RoutedInit = {}) => {
  const { [wayOfCall]: way, ...rest } = init;
  return way ? way(input, rest) : Promise.reject(new TypeError('a call that was not routed'));
};

/**
 * The same client without the headers that the environment may name (`OPENAI_CUSTOM_HEADERS`, `ANTHROPIC_CUSTOM_HEADERS`). The SDKs would send them wherever
 * they call, even to a tenant's own address, and they may hold secrets. The SDKs have no option to leave them out; a test sees whether this still does.
 */
export function withoutAddedHeaders<C extends object>(client: C): C {
  const { _options: options } = client as { readonly _options?: { defaultHeaders?: unknown } };
  if (options) options.defaultHeaders = undefined;
  return client;
}

/** Options of one call, as both SDKs take them. */
export interface Routed {
  readonly fetchOptions: CallOptions;
  readonly headers?: Readonly<Record<string, string>>;
}

/**
 * Options of one call: it goes by this `fetch`, is ended by this signal, and has this key in place of the client's. The signal goes around the SDK and not
 * through it, and no call has a client of its own. The SDKs keep clients in weak maps and signals behind weak references, and V8's young collector takes
 * both for strong: all that belongs to a call would stay in memory until the next full collection, and every young collection would take twenty times as long.
 */
export function routed(fetch: typeof globalThis.fetch, signal: AbortSignal, apiKey: string | null): Routed {
  const way: typeof fetch = (input, init) => fetch(input, { ...init, signal });
  const fetchOptions = { [wayOfCall]: way };
  // Both SDKs send the key in this header, and a header of the call wins over that of the client.
  return apiKey === null ? { fetchOptions } : { fetchOptions, headers: { authorization: `Bearer ${apiKey}` } };
}
