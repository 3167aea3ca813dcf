import { setTimeout as pause } from 'node:timers/promises';
import type { Database } from '../db/client.ts';
import type { Clock } from '../kernel/clock.ts';
import { isAway } from '../kernel/errors.ts';
import { uuidOfId } from '../kernel/id.ts';
import type { Scope } from '../kernel/scope.ts';
import { decodeCursor } from './cursor.ts';
import type { Follower } from './follow.ts';
import type { GenerationMessageValue } from './generation.messages.ts';
import type { GenerationService } from './generation.service.ts';
import { noSuchGeneration, type GenerationView } from './generation.view.ts';
import { readStories } from './snapshot.ts';
import { checkPosition, isReached } from './story.ts';
import { messagesOf } from './tell.ts';

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
    const { database, follower, generations } = this.parts;
    // What readers share knows no members: who reaches only the own ones is looked at first.
    if (!scope.can('generations:others') && !(await onceAnswered(() => generations.isReached(scope, id), signal)))
      throw noSuchGeneration(['id']);
    const asked = { tenantId: scope.tenantId, id };
    const known = follower.known(scope.tenantId, id);
    // A position that memory has not come to yet may be one of another process: the store decides.
    const isEnough = known !== null && (position === null || isReached(known, position));
    const story = isEnough
      ? known
      : await onceAnswered(async () => (await readStories(database.as(scope), [asked])).get(id), signal);
    if (!story) throw noSuchGeneration(['id']);
    if (position) checkPosition(story, position);
    const readFinished = async (): Promise<GenerationView> => {
      const [generation] = await onceAnswered(() => generations.list(scope, [id]), signal);
      if (!generation) throw noSuchGeneration(['id']);
      return generation;
    };
    const steps = follower.follow(scope.tenantId, id, story, position, signal);
    return messagesOf(id, steps, { clock: this.parts.clock, readFinished });
  }
}

/** Readers wait for a database that is away: the answer once it comes, or the failure when they have gone. */
async function onceAnswered<T>(ask: () => Promise<T>, signal: AbortSignal): Promise<T> {
  for (;;) {
    try {
      return await ask();
    } catch (error) {
      if (signal.aborted || !isAway(error)) throw error;
      await pause(500, undefined, { signal }).catch(() => undefined);
    }
  }
}
