/** What a response says before its body. */
export interface ResponseHead {
  readonly status: number;
  readonly statusText: string;
  readonly headers: Headers;
  /** How its body ends: `chunked`, after so many bytes (0 for none), or with its connection. */
  readonly body: 'chunked' | 'close' | number;
  /** Whether its connection may serve another call after it. */
  readonly isKept: boolean;
}

/** Statuses whose responses have no body. */
export const bodiless: ReadonlySet<number> = new Set([204, 205, 304]);
const statusLine = /^HTTP\/1\.([01]) ([1-9]\d{2})(?: (.*))?$/;
/** A connection that its server closes sooner than this is not kept: we keep them for a second less. */
const leastKeepSeconds = 5;
const headerLine = /^([!#$%&'*+\-.^_`|~0-9a-z]+):[ \t]*(.*?)[ \t]*$/i;

/** Reads a head, given without its closing blank line (RFC 9112, 4 to 6). Throws for one that is no head of HTTP/1.x. */
export function responseHeadOf(text: string): ResponseHead {
  const [first = '', ...lines] = text.split(/\r?\n/);
  const [, minor, code, statusText = ''] = statusLine.exec(first) ?? [];
  if (code === undefined) throw new Error('this is no response of HTTP/1.1');
  const headers = new Headers();
  for (const line of lines) {
    const [, name, value] = headerLine.exec(line) ?? [];
    if (name === undefined || value === undefined) throw new Error('a header of the response is malformed');
    headers.append(name, value);
  }
  const status = Number(code);
  const coding = headers.get('transfer-encoding')?.toLowerCase() ?? null;
  if (coding !== null && coding !== 'chunked') throw new Error(`a body in ${coding} was not asked for`);
  const length = headers.get('content-length');
  if (length !== null && !/^\d{1,15}$/.test(length)) throw new Error('the length of the response is malformed');
  const connection = headers.get('connection')?.toLowerCase() ?? '';
  const body = bodiless.has(status) || status < 200 ? 0 : coding ? 'chunked' : length === null ? 'close' : Number(length);
  // One that says both was made by two that did not agree.
  const isClear = coding === null || length === null;
  const keepSeconds = Number(/\btimeout=(\d+)/i.exec(headers.get('keep-alive') ?? '')?.[1] ?? leastKeepSeconds);
  const isKept =
    isClear &&
    keepSeconds >= leastKeepSeconds &&
    body !== 'close' &&
    (minor === '1' ? !/\bclose\b/.test(connection) : /\bkeep-alive\b/.test(connection));
  return { status, statusText, headers, body, isKept };
}
