import type { Clock } from '../kernel/clock.ts';
import type { PollableIterator } from '../kernel/pollable.ts';
import { encodeCursor } from './cursor.ts';
import type { GenerationMessageValue } from './generation.messages.ts';
import type { GenerationView } from './generation.view.ts';
import type { Told } from './story.ts';

interface TellParts {
  readonly clock: Clock;
  /** The generation as its end was committed. */
  readonly readFinished: () => Promise<GenerationView>;
}

/** The steps of a reader as messages. Polled, a message costs no promise; the last one takes a read of the store and has to be asked for. */
export function messagesOf(
  id: string,
  steps: PollableIterator<Told>,
  parts: TellParts,
): PollableIterator<GenerationMessageValue> {
  return {
    next: async () => {
      const step = await steps.next();
      return step.done ? step : { done: false, value: await messageOf(id, step.value, parts) };
    },
    poll() {
      const step = steps.poll();
      if (step === 'later' || step === 'ask' || step.kind === 'finished') return step === 'later' ? step : 'ask';
      return pieceOf(id, step, parts.clock);
    },
    whenReady: (wake) => steps.whenReady(wake),
    return: async () => {
      await steps.return?.();
      return { done: true, value: undefined };
    },
    [Symbol.asyncIterator]() {
      return this;
    },
  };
}

function messageOf(
  id: string,
  step: Told,
  { clock, readFinished }: TellParts,
): GenerationMessageValue | Promise<GenerationMessageValue> {
  if (step.kind !== 'finished') return pieceOf(id, step, clock);
  const head = headOf(id, step, clock);
  return readFinished().then((generation) => ({ ...head, kind: 'GenerationFinished', generation }));
}

function headOf(id: string, { position }: Told, clock: Clock) {
  return { generationId: id, cursor: encodeCursor(id, position), at: clock.now() };
}

function pieceOf(id: string, step: Exclude<Told, { kind: 'finished' }>, clock: Clock): GenerationMessageValue {
  const head = headOf(id, step, clock);
  switch (step.kind) {
    case 'delta':
      return { ...head, kind: 'GenerationDelta', offset: step.offset, text: step.text };
    case 'started':
      return { ...head, kind: 'GenerationStarted', attempt: step.attempt.number, model: step.attempt.model };
    case 'restarted': {
      const { number, model, reason } = step.attempt;
      return { ...head, kind: 'GenerationRestarted', offset: step.offset, reason: reason ?? 'TAKE_OVER', attempt: number, model };
    }
  }
}
