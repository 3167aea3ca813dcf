import { and, eq, inArray, type SQL } from 'drizzle-orm';
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { ActService } from '../audit/act.service.ts';
import type { LedgerService } from '../budgets/ledger.service.ts';
import type { CacheService, CacheWish } from '../caching/cache.service.ts';
import type { Database } from '../db/client.ts';
import { rowsById } from '../db/by-id.ts';
import { hasDoneNothing } from '../db/failures.ts';
import { rawPage, type Page, type PageInput } from '../db/page.ts';
import { sql, type Statement } from '../db/statement.ts';
import type { GuardService } from '../guards/guard.service.ts';
import { checkDetails } from '../guards/guards.ts';
import type { Clock } from '../kernel/clock.ts';
import { AppError } from '../kernel/errors.ts';
import { checkMoment } from '../kernel/given.ts';
import type { LimitService, TakenStart } from '../limits/limit.service.ts';
import { findAnswer } from '../idempotency/answers.ts';
import { checkSameInput, claimOf, type IdempotencyClaim } from '../idempotency/claim.ts';
import { newId, uuidOfId } from '../kernel/id.ts';
import type { Scope } from '../kernel/scope.ts';
import { afterNextTurn } from '../kernel/turns.ts';
import type { Bus } from '../messages/bus.ts';
import { autoRoute } from '../routing/models.ts';
import type { RoutePlanService } from '../routing/route-plan.service.ts';
import { factsOf } from '../routing/facts.ts';
import type { RoutePlan } from '../routing/plan.ts';
import type { TemplateService } from '../templates/template.service.ts';
import { anew, cachedOf, checkAge, checkInput, claimOfStart, workOf } from './asked.ts';
import { encodeCursor } from './cursor.ts';
import type { Engine } from './engine.ts';
import { attempts, generations, type AttemptRow, type GenerationRow } from './generations.table.ts';
import { noSuchGeneration, type GenerationFilter, type GenerationView, type TextAt } from './generation.view.ts';
import { askForEnd, forget, toldOf } from './acts.ts';
import { generationInserted, insertedBy, type InsertedRow, type NewGeneration, type Recipe } from './insert.ts';
import { isReached, listGenerations, readGenerations } from './list.ts';
import { readStories } from './snapshot.ts';
import { isFinal } from './story.ts';

/** What a generation is made from; absent and null mean the same. */
export interface StartInput {
  readonly template: string;
  readonly variables: Record<string, unknown>;
  readonly model?: string | null;
  readonly idempotencyKey?: string | null;
  readonly maxOutputTokens?: number | null;
  readonly temperature?: number | null;
  readonly metadata?: Record<string, unknown> | null;
  readonly cache?: CacheWish | null;
}

/** Which generation to write anew, with what changed. */
export interface RetryInput {
  readonly id: string;
  readonly model?: string | null;
  readonly idempotencyKey?: string | null;
  readonly cache?: CacheWish | null;
}

/** Waits until the request may have effects; throws when it may not. */
type Admitted = () => Promise<void>;

/** Who asks for a new generation, by which mutation. */
interface Asked {
  readonly scope: Scope;
  readonly operation: string;
  readonly claim: IdempotencyClaim | null;
  readonly admitted: Admitted | undefined;
  /** What it wants of the cache. */
  readonly wish: CacheWish;
  /** What its text has to be; null for plain text. */
  readonly outputSchema: Readonly<Record<string, unknown>> | null;
}

/** What the service is built on. */
export interface GenerationParts {
  readonly database: Database;
  readonly templates: TemplateService;
  readonly routes: RoutePlanService;
  readonly engine: Engine;
  readonly bus: Bus;
  readonly clock: Clock;
  readonly limits: LimitService;
  readonly guards: GuardService;
  readonly ledger: LedgerService;
  readonly acts: ActService;
  readonly caches: CacheService;
}

/** Starts generations and lets their owners read, cancel, repeat and delete them. */
export class GenerationService {
  constructor(private readonly parts: GenerationParts) {}

  /**
   * Starts one, or gives the one that the same member started with the same idempotency key and input in the last 24 hours. Nothing is
   * stored or sent before `admitted`, which throws when the request is refused; that is so at once when it is absent.
   */
  async start(scope: Scope, input: StartInput, admitted?: Admitted): Promise<GenerationView> {
    scope.require('generations:write');
    const operation = 'generationStart';
    const requestedModel = input.model ?? autoRoute;
    const claim = claimOfStart(operation, input);
    const known = claim && (await this.findStarted(scope, claim));
    if (known) return known;
    const version = await this.parts.templates.getVersion(scope, input.template);
    const maxOutputTokens = input.maxOutputTokens ?? version.maxOutputTokens;
    checkInput(input, maxOutputTokens);
    // The statement that counts the request goes out in these turns: the database works on it while this one renders.
    if (claim === null && this.parts.limits.isCounting(scope)) {
      await nextTurn();
      await nextTurn();
    }
    const { variables, draft, messages } = version.render(scope, input.variables);
    const metadata = input.metadata ?? null;
    const { outputSchema } = version;
    const guards = await this.parts.guards.of(scope, version.guards);
    checkDetails(guards, variables, (place) => ['input', 'variables', ...place]);
    const plan = await this.parts.routes.plan(
      scope,
      requestedModel,
      factsOf(scope, { templateSlug: version.slug, variables, prompt: messages, maxOutputTokens, metadata, outputSchema }),
    );
    const wish = await this.parts.caches.wishOf(scope, input.cache, version.cache);
    return this.begin({ scope, operation, claim, admitted, wish, outputSchema }, plan, {
      templateVersionId: version.id,
      templateSlug: version.slug,
      retryOf: null,
      requestedModel,
      plan: plan.route && plan,
      variables,
      metadata,
      prompt: [...messages],
      draft,
      maxOutputTokens,
      temperature: input.temperature ?? null,
      failoverPolicy: version.failoverPolicy,
      guards,
    });
  }

  /** Starts a finished generation again, from the same template version and variables; `admitted` as with `start`. */
  async retry(scope: Scope, input: RetryInput, admitted?: Admitted): Promise<GenerationView> {
    scope.require('generations:write');
    const operation = 'generationRetry';
    const claim = claimOf(operation, input);
    const known = claim && (await this.findStarted(scope, claim));
    if (known) return known;
    checkAge(input.cache);
    const original = await this.findWhole(scope, input.id);
    if (!original) throw noSuchGeneration(['input', 'id']);
    if (!isFinal(original.status)) {
      throw new AppError('CONFLICT', `the generation is ${original.status}; cancel it or wait for its end`, {
        path: ['input', 'id'],
      });
    }
    const requestedModel = input.model ?? original.requestedModel;
    const outputSchema = await this.parts.templates.outputSchemaOf(scope, original.templateVersionId);
    const plan = await this.parts.routes.plan(scope, requestedModel, factsOf(scope, { ...original, outputSchema }));
    // A tenant may have begun to mask since.
    const guards = await this.parts.guards.of(scope, original.guards);
    checkDetails(guards, original.variables, () => ['input', 'id']);
    const recipe = { ...original, retryOf: original.id, requestedModel, plan: plan.route && plan, guards };
    const wish = input.cache ?? anew(original.cache);
    return this.begin({ scope, operation, claim, admitted, wish, outputSchema }, plan, recipe);
  }

  /** Asks for the end of a generation; one that has ended is returned as it is. */
  async cancel(scope: Scope, id: string): Promise<GenerationView> {
    scope.require('generations:write');
    if (uuidOfId(id, 'gen') === null) throw noSuchGeneration(['input', 'id']);
    const { acts, bus } = this.parts;
    const what = { operation: 'generationCancel', input: {}, idempotent: true };
    const { isAsked } = await acts.run(scope, what, (act) => askForEnd(act, scope, id, this.parts.ledger));
    // Only what was this tenant's to cancel: engines heed the hint without another look.
    if (isAsked) bus.publish('generation.cancelRequested', [id]);
    const [row] = await this.find(scope, [id]);
    if (!row) throw noSuchGeneration(['input', 'id']);
    if (isFinal(row.status)) bus.publish('generation.finished', [id]);
    return row;
  }

  /** Deletes a generation with its attempts and texts, and stops it first if it runs. */
  async delete(scope: Scope, id: string): Promise<string> {
    scope.require('generations:write');
    if (uuidOfId(id, 'gen') === null) throw noSuchGeneration(['input', 'id']);
    const { acts, ledger } = this.parts;
    const reached = await acts.run(scope, { operation: 'generationDelete', input: {} }, (act) => forget(act, scope, id, ledger));
    ledger.tell(reached);
    this.parts.bus.publish('generation.cancelRequested', [id]);
    this.parts.bus.publish('generation.changed', [id]);
    return id;
  }

  /** Generations by id, in the order asked for; null for those that are unknown or out of reach. */
  async list(scope: Scope, ids: readonly string[]): Promise<(GenerationView | null)[]> {
    scope.require('generations:read');
    return this.find(scope, ids);
  }

  /** Whether there is such a generation within the scope's reach. */
  async isReached(scope: Scope, id: string): Promise<boolean> {
    return isReached(this.parts.database.as(scope), scope, id);
  }

  /** A page of the generations within reach, newest first; its rows hold what `fields` of a Generation need, and no more. */
  page(scope: Scope, args: PageInput, filter: GenerationFilter, fields: ReadonlySet<string>): Promise<Page<GenerationView>> {
    scope.require('generations:read');
    checkMoment(filter.createdAfter, ['filter', 'createdAfter']);
    checkMoment(filter.createdBefore, ['filter', 'createdBefore']);
    return rawPage<GenerationView>(args, {
      list: 'generations',
      tenantId: scope.tenantId,
      key: generations.id,
      keyOf: ({ id }) => id,
      rows: (after, limit) => listGenerations(this.parts.database.as(scope), scope, { filter, fields, after, limit }),
    });
  }

  /** The surviving text of generations that may still run, and where it is in the stream; null for unknown ids. */
  async texts(scope: Scope, ids: readonly string[]): Promise<(TextAt | null)[]> {
    const stories = await readStories(
      this.parts.database.as(scope),
      ids.map((id) => ({ tenantId: scope.tenantId, id })),
    );
    return ids.map((id) => {
      const story = stories.get(id);
      if (!story) return null;
      const position = { attempt: story.attempts.at(-1)?.number ?? 0, offset: story.text.length, done: false };
      return { text: story.text, cursor: encodeCursor(id, position) };
    });
  }

  /** The attempts of generations, oldest first, by generation. */
  async attempts(scope: Scope, ids: readonly string[]): Promise<AttemptRow[][]> {
    const rows = await this.parts.database
      .as(scope)
      .query.select()
      .from(attempts)
      .where(and(eq(attempts.tenantId, scope.tenantId), inArray(attempts.generationId, [...ids])))
      .orderBy(attempts.number);
    const byGeneration = Map.groupBy(rows, ({ generationId }) => generationId);
    return ids.map((id) => byGeneration.get(id) ?? []);
  }

  private async begin(asked: Asked, plan: RoutePlan, recipe: Recipe): Promise<GenerationView> {
    const { scope, operation, claim, admitted, wish, outputSchema } = asked;
    const { engine, database, clock, bus, limits, ledger, acts, caches } = this.parts;
    if (!engine.isAccepting) throw new AppError('UNAVAILABLE', 'this process is stopping; try again', { retryAfterMs: 1_000 });
    const room = await limits.room(scope);
    const cache = await caches.plan(scope, wish, () => cachedOf(recipe, plan));
    let isStored = false;
    let isReserved = engine.reserve(cache?.model != null);
    const isRunning = isReserved;
    const leasedAt = clock.monotonic();
    const id = newId('gen');
    const model = cache?.model ?? plan.models[0] ?? recipe.requestedModel;
    const work = workOf(recipe, { tenantId: scope.tenantId, id, model, plan, cache: cache && cache.use, outputSchema });
    const run = isRunning ? engine.prepare(work, leasedAt) : null;
    /** The row is inserted, if not yet written to the disk: a call that costs nothing while it is made may be sent. */
    const granted = Promise.withResolvers<void>();
    const onRun = (hasRows: boolean) => hasRows && granted.resolve();
    // Of any other the database decides whether it calls a model.
    const isPlain = claim === null && cache === null;
    let [isDue, forget] = [run !== null && isPlain, (): void => undefined];
    const insert = (counted?: Statement): Statement => {
      // The statement is on its way after this turn of the event loop and its commit after the next; then there is time to make the call.
      if (run && isDue) forget = afterNextTurn(() => engine.openCall(run, granted.promise));
      isDue = false;
      return generationInserted(sql, fresh, counted);
    };
    const told = { thing: id, before: null, after: toldOf(recipe) };
    const record: NewGeneration['record'] = (sql, source) => acts.recordWith(sql, scope, operation, told, source);
    const leaseMs = isRunning ? engine.leaseMs : null;
    // Who copies from the beginning calls nobody.
    const reserved = cache?.model == null ? ledger.foreseeing(scope, work) : () => sql`true`;
    const fresh: NewGeneration = { scope, id, recipe, claim, model, leaseMs, room, cache, reserved, record };
    let taken: TakenStart | null = null;
    try {
      const early = isPlain ? limits.startWith(scope, admitted === undefined, insert, onRun) : null;
      let inserted = early && insertedBy(fresh, ((await ledger.unlessUnforeseen(scope, early)) ?? []) as InsertedRow[]);
      if (!inserted) {
        taken = await limits.takeStart(scope, admitted);
        const send = () => database.as(scope).sql<InsertedRow>(() => insert(), { onRun });
        inserted = insertedBy(fresh, (await ledger.unlessUnforeseen(scope, send())) ?? (await send()));
      }
      if (!inserted) throw new Error('the insert answered nothing');
      isStored = true;
      if (inserted.row === null) {
        // A start that another call with the key was quicker with costs nothing; if that cannot be said now, the window's end will.
        if (taken) await limits.returnStart(scope, taken).catch(() => undefined);
        return await this.repeated(scope, inserted, claim);
      }
      const { prompt: _sent, guards: _guards, ...row } = inserted.row;
      if (run) {
        isReserved = false;
        forget();
        run.cache = row.cache;
        engine.start(run);
        granted.resolve();
        // The provider's request goes out in this turn; the caller's answer is made in the next.
        await nextTurn();
      } else bus.publish('generation.waiting', [id]);
      return row;
    } catch (error) {
      if (taken && !isStored && hasDoneNothing(error)) await limits.returnStart(scope, taken).catch(() => undefined);
      throw limits.noRoom(error) ?? ledger.refusal(error) ?? error;
    } finally {
      forget();
      // After a lost answer the row may be there all the same: its lease runs out, and whoever takes it writes it.
      if (isReserved) {
        run?.stop('LOST');
        engine.unreserve();
      }
    }
  }

  private find(scope: Scope, ids: readonly string[]): Promise<(GenerationView | null)[]> {
    return rowsById('gen', ids, (known) => readGenerations(this.parts.database.as(scope), scope, known));
  }

  private async findWhole(scope: Scope, id: string): Promise<GenerationRow | null> {
    const [row] = await rowsById('gen', [id], (known) =>
      this.parts.database.as(scope).query.select().from(generations).where(reached(scope, known)),
    );
    return row ?? null;
  }

  /** The generation that an earlier call with this key started; null when there is none. */
  private async findStarted(scope: Scope, claim: IdempotencyClaim): Promise<GenerationView | null> {
    const found = await findAnswer(this.parts.database.as(scope), scope, claim);
    return found && this.repeated(scope, { id: found.thing, inputHash: found.inputHash }, claim);
  }

  private async repeated(
    scope: Scope,
    { id, inputHash }: { id: string; inputHash: string | null },
    claim: IdempotencyClaim | null,
  ): Promise<GenerationView> {
    checkSameInput(claim, inputHash);
    const [row] = await this.find(scope, [id]);
    if (!row) throw noSuchGeneration(['input', 'idempotencyKey']);
    return row;
  }
}

function reached(scope: Scope, ids: readonly string[]): SQL | undefined {
  const isReached = scope.can('generations:others') ? undefined : eq(generations.memberId, scope.memberId);
  return and(eq(generations.tenantId, scope.tenantId), inArray(generations.id, [...ids]), isReached);
}
