import type { Clock } from '../kernel/clock.ts';
import { encodeCursor } from './cursor.ts';
import type { GenerationMessageValue } from './generation.messages.ts';
import type { GenerationView } from './generation.view.ts';
import type { Told } from './story.ts';

interface TellParts {
  readonly clock: Clock;
  /** The generation as its end was committed. */
  readonly readFinished: () => Promise<GenerationView>;
}

/** The steps of a reader as messages. No generator: it would cost every message two promises more. */
export function messagesOf(
  id: string,
  steps: AsyncIterableIterator<Told, undefined>,
  parts: TellParts,
): AsyncIterableIterator<GenerationMessageValue, undefined> {
  return {
    next: async () => {
      const step = await steps.next();
      return step.done ? step : { done: false, value: await messageOf(id, step.value, parts) };
    },
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
  const head = { generationId: id, cursor: encodeCursor(id, step.position), at: clock.now() };
  switch (step.kind) {
    case 'delta':
      return { ...head, kind: 'GenerationDelta', offset: step.offset, text: step.text };
    case 'started':
      return { ...head, kind: 'GenerationStarted', attempt: step.attempt.number, model: step.attempt.model };
    case 'restarted': {
      const { number, model, reason } = step.attempt;
      return { ...head, kind: 'GenerationRestarted', offset: step.offset, reason: reason ?? 'TAKE_OVER', attempt: number, model };
    }
    case 'finished':
      return readFinished().then((generation) => ({ ...head, kind: 'GenerationFinished', generation }));
  }
}
