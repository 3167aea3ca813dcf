import type { ActService } from '../audit/act.service.ts';
import type { Clock } from '../kernel/clock.ts';
import { AppError } from '../kernel/errors.ts';
import { checkRange } from '../kernel/given.ts';
import type { Scope } from '../kernel/scope.ts';
import { ProviderError, type ProviderHttp, type TextRequest } from '../providers/port.ts';
import type { TemplateService } from '../templates/template.service.ts';
import type { TenantService } from '../tenants/tenant.service.ts';
import type { ProviderKeyService } from '../vault/provider-key.service.ts';
import { factsOf, type Facts } from './facts.ts';
import { autoRoute, noSuchModel, type Models } from './models.ts';
import type { GateService } from './gate.service.ts';
import { hedgeOf } from './hedging.ts';
import type { LeavePlace } from './places.ts';
import { mostOutputTokens } from './plan.ts';
import type { Explanation, RoutePlanService } from './route-plan.service.ts';
import { chargedPrice, costMicrosOf } from './price.ts';
import { readDefinition } from './tree.ts';
import { question as smallQuestion, refusedBy, tryModel, type Answer } from './try-model.ts';
import { verdictCodes, type VerdictCode } from './verdict.ts';

/** Which route, and for what. */
export interface RouteAsked {
  readonly model?: string | null;
  /** A definition in the place of a stored route. */
  readonly definition?: Record<string, unknown> | null;
}

/** A route to try. */
export interface RouteTest extends RouteAsked {
  readonly idempotencyKey?: string | null;
}

/** A generation that may be. */
export interface RouteQuestion extends RouteAsked {
  readonly template?: string | null;
  readonly variables?: Record<string, unknown> | null;
  readonly maxOutputTokens?: number | null;
  readonly metadata?: Record<string, unknown> | null;
  readonly memberId?: string | null;
  readonly at?: Date | null;
}

/** What one model of a route said when it was asked, or why it was not. */
export interface ModelVerdict {
  readonly model: string;
  readonly firstTokenMs: number | null;
  readonly failure: { readonly code: VerdictCode; readonly message: string; readonly retryable: boolean } | null;
  /** What budgets counted for the call, in millionths of a US dollar; null without a known price. */
  readonly costMicros: number | null;
}

/** What a call that belongs to no generation is paid from. */
export interface TrialAccounts {
  /** Reserves what a call may use; throws BUDGET_EXCEEDED and PRICE_UNKNOWN. The account that it gives is to be settled when the call has ended. */
  open(scope: Scope, model: string, asked: TrialQuestion): Promise<TrialAccount>;
}

/** What was reserved for one call. */
export interface TrialAccount {
  /** What it may cost at most, as far as prices are known. */
  readonly mostCostMicros: number;
  /** Counts what the call used in place of what was reserved. */
  settle(used: TrialUsed): Promise<void>;
}

/** What a call used. Where nobody knows it is null, and all that was reserved counts. */
export interface TrialUsed {
  readonly inputTokens: number | null;
  readonly outputTokens: number | null;
  readonly costMicros: number | null;
  /** Whether the price is not known: then the call costs nothing, for budgets that allow that. */
  readonly isUnpriced: boolean;
}

/** What a call asks for. */
export type TrialQuestion = Pick<TextRequest, 'messages' | 'maxOutputTokens'>;

/** What the service is built on. */
export interface RouteTrialParts {
  readonly plans: RoutePlanService;
  readonly models: Models;
  readonly templates: TemplateService;
  readonly people: Pick<TenantService, 'members'>;
  readonly keys: ProviderKeyService;
  readonly acts: ActService;
  readonly clock: Clock;
  readonly http: ProviderHttp;
  readonly gate: Pick<GateService, 'place'>;
  readonly accounts: TrialAccounts;
}

const mostTried = 10;
const longestMs = 20_000;
/** How long a call waits for a place among those to its provider. */
const longestWaitMs = 5_000;
const path = ['input', 'definition'];

/** Shows what a route does before anything is written by it: `explain` reasons and calls nobody, `test` calls its models. */
export class RouteTrialService {
  constructor(private readonly parts: RouteTrialParts) {}

  /** Which models would write a generation, in which order, and why. Where chance decides, another call may find otherwise: see its shares. */
  async explain(scope: Scope, question: RouteQuestion): Promise<Explanation> {
    scope.require('routes:read');
    const facts = await this.factsOf(scope, question);
    return this.choose(scope, question, facts, question.at ?? undefined);
  }

  /**
   * Asks each model of a route for a word, with the key that the tenant's generations would use; at most ten, each under the budgets that count the
   * caller. A repeat with the same idempotency key asks nobody: it gives what they said.
   */
  async test(scope: Scope, input: RouteTest): Promise<ModelVerdict[]> {
    scope.require('routes:write');
    let thing = scope.tenantId;
    let verdicts: ModelVerdict[] = [];
    return this.parts.acts.run(
      scope,
      {
        operation: 'routeTest',
        input,
        before: async () => {
          const { route, models, branches } = await this.choose(scope, input, await this.factsOf(scope, input));
          thing = route?.id ?? thing;
          const tried = [...new Set([...models, ...Object.values(branches).flat()])].slice(0, mostTried);
          verdicts = await Promise.all(tried.map((model) => this.ask(scope, model)));
        },
        again: async (_thing, kept) => JSON.parse(kept ?? '[]') as ModelVerdict[],
      },
      async (act) => {
        const told = verdicts.map(({ model, failure, costMicros }) => ({ model, failure: failure?.code ?? null, costMicros }));
        act.record({ thing, before: null, after: { tested: told } });
        act.keep(JSON.stringify(verdicts));
        return verdicts;
      },
    );
  }

  private async choose(scope: Scope, { model, definition }: RouteAsked, facts: Facts, at?: Date): Promise<Explanation> {
    const { plans, models } = this.parts;
    if (definition) {
      const read = readDefinition(definition, (id) => (models.find(id) ? null : `there is no model ${id}`), path);
      // Nothing was called by it yet.
      return { ...plans.choose(read, facts, at), route: null, hedge: hedgeOf(read.hedging, null) };
    }
    return plans.explain(scope, model ?? autoRoute, facts, at);
  }

  private async factsOf(scope: Scope, question: RouteQuestion): Promise<Facts> {
    const { template = null, variables, maxOutputTokens, metadata = null, memberId } = question;
    checkRange(maxOutputTokens, 1, mostOutputTokens, ['input', 'maxOutputTokens']);
    const by = { memberId: await this.memberOf(scope, memberId ?? scope.memberId) };
    if (template === null) {
      if (variables) throw new AppError('INVALID_INPUT', 'variables need a template', { path: ['input', 'template'] });
      const nothing = { templateSlug: '', variables: {}, prompt: null };
      return factsOf(by, { ...nothing, maxOutputTokens: maxOutputTokens ?? 1_000, metadata });
    }
    const version = await this.parts.templates.getVersion(scope, template);
    const rendered = variables ? version.render(scope, variables) : null;
    return factsOf(by, {
      templateSlug: version.slug,
      variables: rendered?.variables ?? {},
      prompt: rendered?.messages ?? null,
      maxOutputTokens: maxOutputTokens ?? version.maxOutputTokens,
      metadata,
      outputSchema: version.outputSchema,
    });
  }

  /** Throws NOT_FOUND for nobody of the tenant. */
  private async memberOf(scope: Scope, id: string): Promise<string> {
    if (id === scope.memberId) return id;
    const [member] = await this.parts.people.members(scope, [id]);
    if (!member || member.removedAt !== null) throw new AppError('NOT_FOUND', 'no such member', { path: ['input', 'memberId'] });
    return member.id;
  }

  /** Asks one model, unless a budget has no room for that. */
  private async ask(scope: Scope, model: string): Promise<ModelVerdict> {
    const price = this.parts.models.priceOf(model, this.parts.clock.now());
    let account: TrialAccount;
    try {
      account = await this.parts.accounts.open(scope, model, smallQuestion);
    } catch (error) {
      const code = error instanceof AppError ? verdictCodes.find((each) => each === error.code) : undefined;
      if (!(error instanceof AppError) || !code) throw error;
      const failure = { code, message: error.message, retryable: code === 'BUDGET_EXCEEDED' };
      return { model, firstTokenMs: null, failure, costMicros: 0 };
    }
    // An error that is thrown here is a bug. What was reserved is then settled by a sweep, as used in full.
    const { usage, ...said } = await this.call(scope, model);
    const { inputTokens, outputTokens } = usage ?? { inputTokens: null, outputTokens: null };
    const isUnused = inputTokens === 0 && outputTokens === 0;
    const charged = price && chargedPrice(price, inputTokens ?? 0);
    const costMicros = isUnused
      ? 0
      : charged && costMicrosOf(charged, { inputTokens, outputTokens, cachedInputTokens: null, ...usage });
    await account.settle({ inputTokens, outputTokens, costMicros, isUnpriced: price === null });
    return { model, ...said, costMicros: isUnused ? 0 : price && (costMicros ?? account.mostCostMicros) };
  }

  private async call(scope: Scope, model: string): Promise<Answer> {
    const { models, keys, http, clock, gate } = this.parts;
    const choice = models.find(model);
    if (!choice) return refusedBy(noSuchModel(model));
    const { provider, name } = choice;
    const signal = AbortSignal.timeout(longestMs);
    let leave: LeavePlace | null = null;
    try {
      const own = await keys.find(scope.tenantId, provider);
      const { elsewhere = null, apiKey = null } = own ?? {};
      const by = { provider: elsewhere?.provider ?? provider, apiKey, fetch: (elsewhere?.http ?? http).fetch };
      // Calls to an address of the tenant's own take no place from others.
      if (!elsewhere) leave = await gate.place({ provider: provider.id, model }, longestWaitMs, signal);
      return await tryModel({ ...by, model: name, clock, signal });
    } catch (error) {
      if (!(error instanceof ProviderError)) throw error;
      return refusedBy(error);
    } finally {
      leave?.();
    }
  }
}
