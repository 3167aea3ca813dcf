import { setTimeout as pause } from 'node:timers/promises';
import type { Database } from '../db/client.ts';
import type { Clock } from '../kernel/clock.ts';
import { AppError } from '../kernel/errors.ts';
import { uuidOfId } from '../kernel/id.ts';
import type { Scope } from '../kernel/scope.ts';
import { decodeCursor, encodeCursor } from './cursor.ts';
import type { Follower } from './follow.ts';
import type { GenerationMessageValue } from './generation.messages.ts';
import type { GenerationService } from './generation.service.ts';
import { noSuchGeneration } from './generation.view.ts';
import { readStories } from './snapshot.ts';
import { checkPosition, isReached, type Step } from './story.ts';

/** What the service is built on. */
export interface StreamParts {
  readonly database: Database;
  readonly follower: Follower;
  readonly generations: GenerationService;
  readonly clock: Clock;
}

/** Lets people watch generations. */
export class StreamService {
  constructor(private readonly parts: StreamParts) {}

  /**
   * What happens to a generation from `after` on (null: from its beginning), until its end or until `signal` aborts.
   * Rejects with NOT_FOUND or INVALID_CURSOR before the first message; waits while the database is away.
   */
  async stream(
    scope: Scope,
    id: string,
    after: string | null,
    signal: AbortSignal,
  ): Promise<AsyncIterable<GenerationMessageValue>> {
    scope.require('generations:read');
    if (uuidOfId(id, 'gen') === null) throw noSuchGeneration(['id']);
    const position = after === null ? null : decodeCursor(id, after);
    const { database, follower } = this.parts;
    const asked = { tenantId: scope.tenantId, id };
    const known = follower.known(scope.tenantId, id);
    // A position that memory has not come to yet may be one of another process: the store decides.
    const isEnough = known !== null && (position === null || isReached(known, position));
    const story = isEnough
      ? known
      : await onceAnswered(async () => (await readStories(database.as(scope), [asked])).get(id), signal);
    if (!story) throw noSuchGeneration(['id']);
    if (position) checkPosition(story, position);
    return this.messages(scope, id, follower.follow(scope.tenantId, id, story, position, signal), signal);
  }

  private async *messages(
    scope: Scope,
    id: string,
    steps: AsyncIterable<Step>,
    signal: AbortSignal,
  ): AsyncGenerator<GenerationMessageValue> {
    for await (const step of steps) {
      if (step.kind === 'wait' || step.kind === 'end') continue;
      const head = { generationId: id, cursor: encodeCursor(id, step.position), at: this.parts.clock.now() };
      switch (step.kind) {
        case 'delta':
          yield { ...head, kind: 'GenerationDelta', offset: step.offset, text: step.text };
          break;
        case 'started':
          yield { ...head, kind: 'GenerationStarted', attempt: step.attempt.number, model: step.attempt.model };
          break;
        case 'restarted': {
          const { number, model, reason } = step.attempt;
          yield {
            ...head,
            kind: 'GenerationRestarted',
            offset: step.offset,
            reason: reason ?? 'TAKE_OVER',
            attempt: number,
            model,
          };
          break;
        }
        case 'finished': {
          const [generation] = await onceAnswered(() => this.parts.generations.list(scope, [id]), signal);
          if (!generation) throw noSuchGeneration(['id']);
          yield { ...head, kind: 'GenerationFinished', generation };
        }
      }
    }
  }
}

/** Readers wait for a database that is away: the answer once it comes, or the failure when they have gone. */
async function onceAnswered<T>(ask: () => Promise<T>, signal: AbortSignal): Promise<T> {
  for (;;) {
    try {
      return await ask();
    } catch (error) {
      if (signal.aborted || !(error instanceof AppError) || (error.code !== 'UNAVAILABLE' && error.code !== 'TIMEOUT'))
        throw error;
      await pause(500, undefined, { signal }).catch(() => undefined);
    }
  }
}
