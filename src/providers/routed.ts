const wayOfCall = Symbol('way of the call');

interface RoutedInit extends RequestInit {
  [wayOfCall]?: typeof fetch;
}

/** What the SDKs let a call add to its request. */
type CallOptions = Omit<RoutedInit, 'body' | 'headers' | 'method' | 'signal'>;

/** The `fetch` of a vendor's client that serves all calls: each goes by the `fetch` that `routed` gave it. */
export const routedFetch: typeof fetch = (input, init: RoutedInit = {}) => {
  const { [wayOfCall]: way, ...rest } = init;
  return way ? way(input, rest) : Promise.reject(new TypeError('a call that was not routed'));
};

/**
 * The same client without the headers that the environment may name (`OPENAI_CUSTOM_HEADERS`, `ANTHROPIC_CUSTOM_HEADERS`): the SDKs would send them, secrets of
 * somebody else's gateway perhaps, wherever they call, a tenant's own address too. They have no option for that; a test sees whether it still works.
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
 * Options of one call by this `fetch`, ended by this signal, with this key in place of the client's. The SDKs keep a call's client in weak
 * maps and its signal behind weak references: V8's young collector takes both for strong, so with a client or a signal of its own all that
 * belongs to a call stays in memory until the next full collection, and every young collection takes twenty times as long.
 */
export function routed(fetch: typeof globalThis.fetch, signal: AbortSignal, apiKey: string | null): Routed {
  const way: typeof fetch = (input, init) => fetch(input, { ...init, signal });
  const fetchOptions = { [wayOfCall]: way };
  // Both SDKs send the key so, and let what a call brings win over what its client has.
  return apiKey === null ? { fetchOptions } : { fetchOptions, headers: { authorization: `Bearer ${apiKey}` } };
}
