import { envelop, useEngine, useSchema, type GetEnvelopedFn } from '@envelop/core';
import { useParserCache } from '@envelop/parser-cache';
import { useValidationCache } from '@envelop/validation-cache';
import {
  getOperationAST,
  getVariableValues,
  GraphQLError,
  parse,
  type DocumentNode,
  type ExecutionArgs,
  type ExecutionResult,
  type GraphQLSchema,
  type OperationDefinitionNode,
} from 'graphql';
import { LRUCache } from 'lru-cache';
import { AppError } from '../kernel/errors.ts';
import type { Log } from '../kernel/log.ts';
import type { Pollable } from '../kernel/pollable.ts';
import { Rounds } from '../kernel/rounds.ts';
import { ProofRefused, type Scope, type ScopeEvents } from '../kernel/scope.ts';
import { admissionError, rateLimitHeaders, type Admission, type Charge } from './admission.ts';
import { Executor } from './compiled.ts';
import { OperationContext, type Caller, type Transport } from './context.ts';
import { Costs, meteredBy, paid, type OperationCost } from './cost.ts';
import { Documents } from './documents.ts';
import { checkVariables } from './hygiene.ts';
import { defaultLimits, type Limits } from './limits.ts';
import { codeOf, maskError, maskResult, shownError, type Mask } from './masking.ts';
import { measureOperations, type OperationMetrics } from './measure.ts';
import type { Credentials, PipelineOptions } from './pipeline-options.ts';
import { refusalNow } from './recheck.ts';
import { noteNested, noteWhole } from './refused.ts';
import { checkKind, mayBegin, startedBy, parseError, requestOf, type OperationRequest } from './request.ts';
import { ResultStream, subscribeTo } from './results.ts';
import { documentErrors, guardsOf } from './rules.ts';
import { Session } from './session.ts';
import { withheld } from './withheld.ts';

/** An operation that may run. */
export interface Operation {
  readonly errors: null;
  readonly document: DocumentNode;
  readonly definition: OperationDefinitionNode;
  readonly variables: Readonly<Record<string, unknown>>;
  readonly context: OperationContext;
  readonly cost: OperationCost;
  /** What it has to settle; null until it is admitted, and where costs have no limit. Whoever does not run it releases it. */
  charge: Charge | null;
  /** Remembers its document, once it is admitted; null where there is nothing to remember. */
  readonly keep: (() => void) | null;
  /** The phases of the pipeline, bound to the context. */
  readonly phases: ReturnType<GetEnvelopedFn<object>>;
}

/** A request that may not run, and why; the errors may be shown as they are. */
export interface Refused {
  readonly errors: readonly GraphQLError[];
}

/** Takes the headers that say what is left of the limits. */
type Tell = (headers: Readonly<Record<string, string>>) => void;

/** What costs more does not begin before it is admitted: refused, it would have been had for nothing. */
const mostBegun = 200;

/** The one way of every operation of every transport: authenticate, accept (admit, prepare), then execute or subscribe. Made by `buildPipeline`. */
export class Pipeline {
  readonly schema: GraphQLSchema;
  readonly metrics: OperationMetrics;
  readonly limits: Limits;
  private readonly costs: Costs;
  private readonly log: Log;
  private readonly documents: Documents;
  private readonly enveloped: GetEnvelopedFn<object>;
  private readonly parsed = cacheOf<DocumentNode>();
  /** The results of subscriptions as they were before plugins wrapped them: the wrappers count errors and ends, which are never polled. */
  private readonly polled = new WeakMap<OperationContext, Pollable<ExecutionResult>>();

  constructor(readonly options: PipelineOptions) {
    this.schema = options.schema;
    this.log = options.log;
    this.documents = new Documents(options.log, options.trustedDocuments);
    this.limits = { ...defaultLimits, ...options.limits };
    this.costs = new Costs(options.schema, this.limits);
    this.metrics = measureOperations(options.registry);
    const executor = new Executor(options.schema);
    const run = (args: ExecutionArgs) => executor.execute(args, (args.contextValue as OperationContext).operationType);
    this.enveloped = envelop({
      plugins: [
        useEngine({
          parse,
          validate: (schema: GraphQLSchema, document: DocumentNode) => documentErrors(schema, document, this.limits),
          execute: run,
          subscribe: (args: ExecutionArgs) => this.resultsOf(args, run),
        }),
        useSchema(options.schema),
        // Failed parses are not cached: the cache would throw before they are counted.
        useParserCache({ documentCache: this.parsed, errorCache: { get: () => undefined, set: () => undefined } }),
        useValidationCache({ cache: cacheOf<readonly GraphQLError[]>() }),
        this.metrics.plugin,
      ],
    }) as GetEnvelopedFn<object>;
  }

  /** Who acts. Throws a GraphQLError that may be shown, UNAUTHENTICATED first of all. */
  async authenticate(credentials: Credentials, transport: Transport, requestId: string, address?: string): Promise<Scope> {
    try {
      return await this.options.authenticate(credentials);
    } catch (error) {
      const shown = maskError(error, { requestId, log: this.log });
      if (error instanceof ProofRefused) noteWhole(this.options, { transport, requestId, address, scope: error.scope }, shown);
      this.metrics.refused.inc({ transport, code: codeOf(shown) });
      throw shown;
    }
  }

  /** Keeps the scope of something that stays open true, and tells what became of it, as it is to be shown. Returns how to stop. */
  watch(scope: Scope, events: ScopeEvents<GraphQLError>): () => void {
    return this.options.watch?.(scope, { ...events, onEnd: (error) => events.onEnd(shownError(error)) }) ?? (() => undefined);
  }

  /** Who is behind a socket, from now on; `onRunOut` is called when its proof runs out before another has taken its place. */
  open(scope: Scope, onRunOut: () => void): Session {
    return new Session(scope, (watched, events) => this.watch(watched, events), onRunOut);
  }

  /**
   * Counts a request and its cost against its caller's limits, and prepares it. What is not well-formed counts too: it is no cheaper to
   * refuse. `tell` gets the headers that say what is left, where a transport has headers. A query, or a patient mutation, may be given
   * back while the limits are still being asked: `execute` waits for them. Never rejects.
   */
  async accept(request: OperationRequest, caller: Caller, tell?: Tell): Promise<Operation | Refused> {
    const { admit } = this.options;
    if (!admit) return this.prepare(request, caller);
    let prepared: Operation | Refused | null = null;
    // Known callers that have nothing left are refused before anything is parsed for them.
    const prepare = (): Operation | Refused => (prepared ??= this.read(request, caller));
    const requestedOf = (known: Operation | Refused): number => (known.errors ? 0 : known.cost.requested);
    const heed = (admission: Admission): Refused | null => {
      const known = admission.refusal ? prepared : prepare();
      // First of all, so that whatever fails from here on gives it back.
      if (known?.errors === null) known.charge = admission.charge;
      else admission.charge?.settle(0);
      tell?.(rateLimitHeaders(admission));
      const refusal = admissionError(admission, known ? requestedOf(known) : 0);
      if (refusal) return this.refused(caller, [refusal]);
      if (known?.errors === null) known.keep?.();
      return null;
    };
    const refuse = (error: unknown): Refused => {
      if (prepared?.errors === null) prepared.charge?.settle(0);
      return this.refused(caller, [maskError(error, this.maskOf(caller.requestId))]);
    };
    try {
      const begunOf = (): Scope | null => (prepared?.errors === null ? startedBy(prepared, this.options.patientMutations) : null);
      const asked = admit(caller.scope, () => requestedOf(prepare()), begunOf);
      if (!(asked instanceof Promise)) return heed(asked) ?? this.told(prepare(), caller);
      const heedOrRefuse = (admission: Admission): Refused | null => {
        try {
          return heed(admission);
        } catch (error) {
          return refuse(error);
        }
      };
      const admission = asked.then(heedOrRefuse, refuse);
      const begun = prepared as Operation | Refused | null;
      const isCheap = begun && !begun.errors && begun.cost.requested <= mostBegun;
      if (!isCheap || !mayBegin(begun.definition, this.options.patientMutations))
        return (await admission) ?? this.told(prepare(), caller);
      begun.context.awaitAdmission(admission);
      return begun;
    } catch (error) {
      return refuse(error);
    }
  }

  /** Counts a request that a transport finds wrong by itself, and says why it is refused: for its limits, when they are reached, else for that. */
  async refuse(error: GraphQLError, caller: Caller, tell?: Tell): Promise<Refused> {
    return (await this.count(caller, tell)) ?? this.refused(caller, [error]);
  }

  /** Counts a request that is no operation; why it may not run, null when it may. Never rejects. */
  async count(caller: Caller, tell?: Tell): Promise<Refused | null> {
    try {
      const admission = await this.options.admit?.(caller.scope, () => 0);
      if (admission) tell?.(rateLimitHeaders(admission));
      const refusal = admission && admissionError(admission, 0);
      return refusal ? this.refused(caller, [refusal]) : null;
    } catch (cause) {
      return this.refused(caller, [maskError(cause, this.maskOf(caller.requestId))]);
    }
  }

  /** Gives back what was reserved for an operation that is not going to run. Does nothing to one that has. */
  release(operation: Operation): void {
    const { admission } = operation.context;
    if (admission) void admission.then(() => operation.charge?.settle(0));
    else operation.charge?.settle(0);
  }

  /** Everything that can refuse a request before it runs: shape, syntax, limits, schema, permissions, pages and strings. */
  prepare(request: OperationRequest, caller: Caller): Operation | Refused {
    const found = this.told(this.read(request, caller), caller);
    if (found.errors === null) found.keep?.();
    return found;
  }

  /** Refuses in the same way, and counted, what a transport finds wrong by itself. */
  refused(caller: Pick<Caller, 'transport'> | Caller, errors: readonly GraphQLError[]): Refused {
    this.metrics.refused.inc({ transport: caller.transport, code: errors[0] ? codeOf(errors[0]) : 'INTERNAL' });
    if ('scope' in caller && errors[0]) noteWhole(this.options, caller, errors[0]);
    return { errors };
  }

  /** Runs a query or mutation; the answer of one that is refused meanwhile is its refusal. Never rejects; its errors may be shown. */
  async execute(operation: Operation): Promise<ExecutionResult> {
    const { context, phases } = operation;
    const mask = this.maskOf(context.requestId);
    let result: ExecutionResult;
    try {
      result = maskResult((await phases.execute(this.argsOf(operation))) as ExecutionResult, mask);
      noteNested(operation, result);
    } catch (error) {
      result = { errors: [maskError(error, mask)] };
    }
    const refused = context.admission && (await context.admission);
    return refused ?? paid(operation, result);
  }

  /** Starts a subscription: a stream, or the errors that kept it from starting. Never rejects; what the stream throws may be shown. */
  async subscribe(operation: Operation): Promise<ResultStream | ExecutionResult> {
    const { context } = operation;
    const mask = this.maskOf(context.requestId);
    const gauge = this.metrics.subscriptions.labels({ transport: context.transport });
    const { held } = context.scope;
    try {
      const results = (await operation.phases.subscribe(this.argsOf(operation))) as Awaited<ReturnType<typeof subscribeTo>>;
      if (!(Symbol.asyncIterator in results)) {
        context.abort();
        return paid(operation, maskResult(results, mask), operation.cost.least);
      }
      operation.charge?.settle(operation.cost.requested);
      gauge.inc();
      const polled = this.polled.get(context) ?? results;
      let unwatch = (): void => undefined;
      const stream = new ResultStream(results[Symbol.asyncIterator](), polled, {
        show: (result) => maskResult(result, mask),
        fail: (error) => maskError(error, mask),
        cursor: () => context.cursor,
        onMessage: meteredBy(operation),
        opening: operation.charge && ((result) => paid(operation, result, operation.cost.requested)),
        onEnd: () => {
          unwatch();
          gauge.dec();
          context.abort();
        },
      });
      const stillLetIn = async (): Promise<void> => {
        const refused = await refusalNow(this.argsOf(operation), context, mask);
        if (refused) stream.refuse(refused);
      };
      const { scope, session } = context;
      const end = (error: GraphQLError): void => stream.refuse(error);
      const rechecks = new Rounds(stillLetIn);
      const recheck = (): void => rechecks.ask();
      unwatch = session?.join({ scope, held, end, recheck }) ?? this.watch(scope, { held, onEnd: end, onChange: recheck });
      context.whenRefused(end);
      return stream;
    } catch (error) {
      context.abort();
      return paid(operation, { errors: [maskError(error, mask)] }, operation.cost.least);
    }
  }

  private async resultsOf(args: ExecutionArgs, execute: (args: ExecutionArgs) => ExecutionResult | Promise<ExecutionResult>) {
    const context = args.contextValue as OperationContext;
    const results = await subscribeTo(args, { onValue: (value) => context.take(value), execute });
    if (Symbol.asyncIterator in results) this.polled.set(context, results);
    return results;
  }

  /** What a request asks for, or why it may not run: not counted yet, since its caller may be told of something else. */
  private read(request: OperationRequest, caller: Caller): Operation | Refused {
    const context = new OperationContext(caller, this.options.onRefused);
    try {
      return this.operationOf(request, context);
    } catch (error) {
      return { errors: [maskError(error, this.maskOf(context.requestId))] };
    }
  }

  private told(found: Operation | Refused, caller: Caller): Operation | Refused {
    return found.errors ? this.refused(caller, found.errors) : found;
  }

  private operationOf(request: OperationRequest, context: OperationContext): Operation | Refused {
    const { operationName, variables } = requestOf(request);
    const { query, keep } = this.documents.find(request, context.scope.tenantId);
    context.isKnown = this.parsed.has(query);
    const phases = this.enveloped(context);
    const { parse, validate } = phases;
    let document: DocumentNode;
    try {
      document = parse(query, { maxTokens: this.limits.tokens }) as DocumentNode;
    } catch (error) {
      return { errors: [parseError(error)] };
    }
    const definition = getOperationAST(document, operationName);
    if (definition) this.name(context, definition);
    const errors = validate(this.schema, document) as readonly GraphQLError[];
    const maySee = context.scope.can('schema:introspect');
    if (errors.length > 0) return { errors: maySee ? errors : errors.map((error) => withheld(error, query)) };
    if (!definition) throw new AppError('BAD_REQUEST', 'operationName must name one operation of the document');
    checkKind(definition, context.transport);
    for (const permission of guardsOf(document)) context.scope.require(permission);
    checkVariables(variables);
    const { errors: misfits, coerced } = getVariableValues(this.schema, definition.variableDefinitions ?? [], variables, {
      maxErrors: 20,
      hideSuggestions: true,
    });
    if (misfits) {
      const shown = misfits.map((error) => maskError(error, this.maskOf(context.requestId)));
      const written = `${query} ${JSON.stringify(variables)}`;
      return { errors: maySee ? shown : shown.map((error) => withheld(error, written)) };
    }
    if (context.takesWritten) context.values = coerced ?? null;
    const cost = this.costs.of(document, definition, variables);
    return { errors: null, document, definition, variables, context, phases, cost, charge: null, keep };
  }

  private name(context: OperationContext, definition: OperationDefinitionNode): void {
    const name = definition.name?.value;
    context.operationType = definition.operation;
    context.operationName = name === undefined ? 'anonymous' : this.options.knownOperations?.has(name) ? name : 'other';
  }

  private argsOf({ document, definition, variables, context }: Operation): ExecutionArgs {
    const operationName = definition.name?.value ?? null;
    return { schema: this.schema, document, contextValue: context, variableValues: variables, operationName };
  }

  /** Whom to name when something unexpected is hidden from this request. */
  maskOf(requestId: string): Mask {
    return { requestId, log: this.log };
  }
}

/** Builds the pipeline that all transports share. */
export function buildPipeline(options: PipelineOptions): Pipeline {
  return new Pipeline(options);
}

/** 1,000 documents and 4 million characters of them at most. */
function cacheOf<V extends object>(): LRUCache<string, V> {
  return new LRUCache<string, V>({ max: 1_000, maxSize: 4_000_000, sizeCalculation: (_value, key) => key.length + 1 });
}
