import { ProviderError } from './port.ts';

/** One server-sent event: its `event:` name, null when it has none, and its `data:` lines joined by newlines. */
export interface SseEvent {
  readonly name: string | null;
  readonly data: string;
}

/** The most characters one event may have; more is no event but an attack or a broken server. */
export const maxEventLength = 1024 * 1024;

/**
 * Cuts bytes into server-sent events, wherever the network cut them (https://html.spec.whatwg.org/multipage/server-sent-events.html).
 * An event without its closing blank line is not an event: what is left at the end is dropped.
 */
export class SseSplitter {
  /** Whether a line came that no event stream has, such as one of an HTML page. */
  hasForeignLines = false;
  /** Whether any byte came. */
  hasBytes = false;

  private readonly decoder = new TextDecoder();
  private rest = '';
  /** How much of `rest` is known to hold no line end. */
  private searched = 0;
  private endedWithReturn = false;
  private name: string | null = null;
  private data: string | null = null;

  /** The events these bytes complete. Throws STREAM_MALFORMED above `maxEventLength`. */
  push(bytes: Uint8Array): SseEvent[] {
    if (bytes.length > 0) this.hasBytes = true;
    let fresh = this.decoder.decode(bytes, { stream: true });
    if (fresh === '') return [];
    if (this.endedWithReturn) {
      this.endedWithReturn = false;
      if (fresh.startsWith('\n')) fresh = fresh.slice(1);
    }

    const text = this.rest + fresh;
    const events: SseEvent[] = [];
    let start = 0;
    let feed = text.indexOf('\n', this.searched);
    let carriage = text.indexOf('\r', this.searched);
    while (feed !== -1 || carriage !== -1) {
      const isReturn = feed === -1 || (carriage !== -1 && carriage < feed);
      const end = isReturn ? carriage : feed;
      this.line(text.slice(start, end), events);
      start = end + 1;
      if (isReturn && start === text.length) this.endedWithReturn = true;
      if (isReturn && feed === start) start += 1;
      if (feed !== -1 && feed < start) feed = text.indexOf('\n', start);
      if (carriage !== -1 && carriage < start) carriage = text.indexOf('\r', start);
    }
    this.rest = text.slice(start);
    this.searched = this.rest.length;
    this.checkLength(this.rest.length);
    return events;
  }

  private line(line: string, events: SseEvent[]): void {
    if (line.startsWith('data:')) {
      const value = line.slice(line.startsWith(' ', 5) ? 6 : 5);
      this.data = this.data === null ? value : `${this.data}\n${value}`;
      this.checkLength(0);
      return;
    }
    if (line === '') {
      if (this.data !== null) events.push({ name: this.name, data: this.data });
      this.name = null;
      this.data = null;
      return;
    }
    if (line.startsWith(':')) return;
    const colon = line.indexOf(':');
    const field = colon === -1 ? line : line.slice(0, colon);
    if (field === 'event') this.name = colon === -1 ? '' : line.slice(line.startsWith(' ', colon + 1) ? colon + 2 : colon + 1);
    else if (field === 'data') this.data = this.data === null ? '' : `${this.data}\n`;
    else if (field !== 'id' && field !== 'retry') this.hasForeignLines = true;
  }

  private checkLength(unfinished: number): void {
    if (unfinished + (this.data?.length ?? 0) <= maxEventLength) return;
    throw new ProviderError('STREAM_MALFORMED', `an event is longer than ${maxEventLength} characters`, { retryable: true });
  }
}
