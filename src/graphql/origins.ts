/** Which web pages may call us. */
export interface Origins {
  /** Callers without an Origin are no web pages: other origins' pages cannot leave it out. */
  isAllowed(origin: string | undefined): boolean;
}

/** The listed origins (`https://app.example.com`; `*` for any) and, in development, any port of this machine and Apollo's Sandbox. */
export function allowOrigins(listed: readonly string[], options: { readonly isDevelopment: boolean }): Origins {
  const known = new Set(listed.map((origin) => origin.replace(/\/$/, '').toLowerCase()));
  if (options.isDevelopment) known.add('https://studio.apollographql.com');
  const isAny = known.has('*');
  return {
    isAllowed(origin) {
      if (origin === undefined || isAny || known.has(origin.toLowerCase())) return true;
      return options.isDevelopment && isThisMachine(origin.replace(/^https?:\/\//, ''));
    },
  };
}

/** Whether a Host (or what follows `http://` in an origin) is this machine, by a name that nobody else can point elsewhere. */
export function isThisMachine(host: string): boolean {
  return /^(localhost|127\.0\.0\.1|\[::1\])(:\d+)?$/.test(host);
}
