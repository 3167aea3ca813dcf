import { placeholderFault, watchFor } from '../guards/guards.ts';
import type { Restorer } from '../guards/restore.ts';
import type { PollableIterator } from '../kernel/pollable.ts';
import { ProviderError, type StreamPart, type Usage } from '../providers/port.ts';
import type { Appender } from './appender.ts';
import { TextCleaner } from './clean.ts';
import type { OpenedCall, Run } from './run.ts';
import { Seam } from './seam.ts';

/** The last part of a stream. */
export type Finish = Extract<StreamPart, { type: 'finish' }>;

/** No model writes so much, in UTF-16 code units, within any limit that it is given: who does would go on for ever, at the cost of all who are stored with it. */
const mostUnits = 4_194_304;

/** A text that is certain not to pass its checks: it is not read any further. */
export class TextRefused extends Error {
  override readonly name = 'TextRefused';

  constructor(
    /** What is wrong, as an order to who writes it anew. */
    readonly fault: string,
    /** What its call used; null when it was stopped before it said so. */
    readonly usage: Usage | null,
  ) {
    super('the text does not pass its checks');
  }
}

/** Reads the stream of one attempt into its run. */
export class Reading {
  private readonly cleaner = new TextCleaner();
  /** Where the text goes on from an earlier attempt's; null when it begins anew. */
  private readonly seam: Seam | null;
  private readonly watch: ReturnType<typeof watchFor>;
  private restorer: Restorer | null = null;

  constructor(
    private readonly run: Run,
    private readonly appender: Appender,
    { isChecked }: { readonly isChecked: boolean },
  ) {
    this.seam = run.attempt.base > 0 ? new Seam(run.text) : null;
    this.watch = isChecked ? watchFor(run.work.guards, run.work.variables) : null;
    // What it goes on from has passed.
    if (run.text !== '') this.watch?.push(run.text);
  }

  /** The finish of the stream, after its text; null when there was none. Throws TextRefused as soon as the text is certain not to pass. */
  async read({ parts, first, restorer }: OpenedCall): Promise<Finish | null> {
    const { run } = this;
    this.restorer = restorer;
    let asked = first;
    try {
      for (;;) {
        if (run.isFull) await run.room();
        const atHand = asked ? null : await this.readAtHand(parts);
        if (atHand) return atHand;
        // A run that has to stop gets no room any more: its stream says so when it is asked.
        if (run.isFull && run.stopReason === null) continue;
        const { value: part } = await (asked ?? parts.next());
        asked = null;
        if (!part) {
          this.settle();
          return null;
        }
        const finish = this.take(part);
        if (finish) return finish;
      }
    } catch (error) {
      if (!(error instanceof TextRefused)) this.settle();
      throw error;
    } finally {
      await parts.return?.();
    }
  }

  /** Takes parts without a promise each: the finish, or null as soon as the next one has to be asked for, or the run is full. */
  private readAtHand(parts: PollableIterator<StreamPart>): Promise<Finish | null> {
    return new Promise((resolve, reject) => {
      const end = (finish: Finish | null): void => {
        parts.whenReady(() => undefined);
        resolve(finish);
      };
      const takeAll = (): void => {
        try {
          for (;;) {
            const part = parts.poll();
            if (part === 'later') return;
            if (part === 'ask') return end(null);
            const finish = this.take(part);
            if (finish || this.run.isFull) return end(finish);
          }
        } catch (cause) {
          const isKnown = cause instanceof TextRefused || cause instanceof ProviderError;
          reject(isKnown ? cause : new Error('text could not be taken', { cause }));
        }
      };
      parts.whenReady(takeAll);
      takeAll();
    });
  }

  private take(part: StreamPart): Finish | null {
    const isLast = part.type === 'finish';
    const restored = this.restored(part);
    const clean = this.cleaner.push(restored) + (isLast ? this.cleaner.flush() : '');
    const text = this.seam ? this.seam.push(clean) + (isLast ? this.seam.flush() : '') : clean;
    const fault = text === '' ? null : (this.watch?.push(text) ?? null);
    if (fault !== null) throw new TextRefused(fault, isLast ? part.usage : null);
    if (text !== '') this.appender.append(this.run, text);
    if (this.run.text.length > mostUnits) throw endless();
    if (!isLast) return null;
    if (isWhole(part) && this.restorer?.isLeftIn(this.run.text)) throw new TextRefused(placeholderFault, part.usage);
    return part;
  }

  /** What of a part is certain, with the details in it. */
  private restored(part: StreamPart): string {
    const { restorer } = this;
    if (part.type === 'text') return restorer ? restorer.push(part.text) : part.text;
    if (!restorer) return '';
    return isWhole(part) ? restorer.flush() : restorer.cut();
  }

  /** Behind a text that broke off: what was held back of it, as far as that can be kept. What has not begun does not begin with it. */
  private settle(): void {
    const { run, restorer, seam } = this;
    const isKept = run.stopReason === null || run.stopReason === 'CANCELLED';
    if (!restorer || !isKept || run.text.length <= run.attempt.base) return;
    const clean = this.cleaner.push(restorer.cut());
    const text = seam ? seam.push(clean) : clean;
    if (text === '' || (this.watch?.push(text) ?? null) !== null) return;
    this.appender.append(run, text);
  }
}

/** Whether a text came to its end, and was not ended at a limit or by a filter. */
function isWhole({ reason }: Finish): boolean {
  return reason === 'STOP' || reason === 'OTHER';
}

function endless(): ProviderError {
  return new ProviderError('STREAM_MALFORMED', 'the provider wrote far more than it was asked for', { retryable: false });
}
