import { envelop, useEngine, useSchema, type GetEnvelopedFn } from '@envelop/core';
import { useParserCache } from '@envelop/parser-cache';
import { useValidationCache } from '@envelop/validation-cache';
import {
  getOperationAST,
  getVariableValues,
  GraphQLError,
  OperationTypeNode,
  parse,
  specifiedRules,
  validate,
  visit,
  type DocumentNode,
  type ExecutionArgs,
  type ExecutionResult,
  type GraphQLSchema,
  type OperationDefinitionNode,
} from 'graphql';
import { LRUCache } from 'lru-cache';
import type { Registry } from 'prom-client';
import { AppError } from '../kernel/errors.ts';
import type { Log } from '../kernel/log.ts';
import type { TrustedDocuments } from '../kernel/manifest.ts';
import type { Pollable } from '../kernel/pollable.ts';
import type { Permission, Scope } from '../kernel/scope.ts';
import { checkAdmission, rateLimitHeaders, type Admit, type Enter, type Place } from './admission.ts';
import { Executor } from './compiled.ts';
import { OperationContext, type Caller, type Transport } from './context.ts';
import { Documents } from './documents.ts';
import { checkVariables } from './hygiene.ts';
import { defaultLimits, limitErrors, type Limits } from './limits.ts';
import { codeOf, maskError, maskResult, parseError, refusal, shownError, type Mask } from './masking.ts';
import { measureOperations, type OperationMetrics } from './measure.ts';
import { checkPages } from './pages.ts';
import { ResultStream, subscribeTo } from './results.ts';
import { SubscriptionRootRule } from './subscription-root.ts';

/** What a caller shows to prove who it is. */
export interface Credentials {
  /** As in the HTTP header: `Bearer <key>`; null when nothing was shown. */
  readonly authorization: string | null;
}

export interface PipelineOptions {
  readonly schema: GraphQLSchema;
  /** Throws AppError UNAUTHENTICATED when the credentials prove nobody. */
  authenticate(credentials: Credentials): Promise<Scope>;
  /** Calls `onEnd` once when what proved the scope is no longer good; returns how to stop. Absent: a scope stays good. */
  watch?(scope: Scope, onEnd: (error: AppError) => void): () => void;
  /** Counts every request against its caller's limits; absent: there are none. */
  readonly admit?: Admit;
  /** Takes a place for a socket or subscription; what it gives is called when that is closed. Throws AppError; absent: there is always one. */
  readonly enter?: Enter;
  readonly log: Log;
  readonly registry: Registry;
  /** Operation names that metrics may show; any other is counted as `other`. */
  readonly knownOperations?: ReadonlySet<string>;
  readonly limits?: Partial<Limits>;
  /** Documents that may run; any when absent. */
  readonly trustedDocuments?: TrustedDocuments;
}

/** A request as any transport hands it over; its parts are checked here. */
export interface OperationRequest {
  readonly query?: unknown;
  readonly operationName?: unknown;
  readonly variables?: unknown;
  readonly extensions?: unknown;
}

/** An operation that may run. */
export interface Operation {
  readonly errors: null;
  readonly document: DocumentNode;
  readonly definition: OperationDefinitionNode;
  readonly variables: Readonly<Record<string, unknown>>;
  readonly context: OperationContext;
  /** The phases of the pipeline, bound to the context. */
  readonly phases: ReturnType<GetEnvelopedFn<object>>;
}

/** A request that may not run, and why; the errors may be shown as they are. */
export interface Refused {
  readonly errors: readonly GraphQLError[];
}

const kindsOf: Readonly<Record<Transport, readonly OperationTypeNode[]>> = {
  http: [OperationTypeNode.QUERY, OperationTypeNode.MUTATION],
  websocket: [OperationTypeNode.SUBSCRIPTION],
  sse: [OperationTypeNode.SUBSCRIPTION],
};

const rules = [...specifiedRules, SubscriptionRootRule];

/** Fields that need a permission of their own wherever they stand; all of them are root fields that no feature owns. */
const guardedFields: Readonly<Record<string, Permission>> = {
  __schema: 'schema:introspect',
  __type: 'schema:introspect',
  _service: 'schema:federate',
  _entities: 'schema:federate',
};

/** The one way of every operation of every transport: authenticate, accept (admit, prepare), then execute or subscribe. Made by `buildPipeline`. */
export class Pipeline {
  readonly schema: GraphQLSchema;
  readonly metrics: OperationMetrics;
  readonly limits: Limits;
  private readonly log: Log;
  private readonly documents: Documents;
  private readonly enveloped: GetEnvelopedFn<object>;
  private readonly guards = new WeakMap<DocumentNode, readonly Permission[]>();
  /** The results of subscriptions as they were before plugins wrapped them: the wrappers count errors and ends, which are never polled. */
  private readonly polled = new WeakMap<OperationContext, Pollable<ExecutionResult>>();

  constructor(private readonly options: PipelineOptions) {
    this.schema = options.schema;
    this.log = options.log;
    this.documents = new Documents(options.log, options.trustedDocuments);
    this.limits = { ...defaultLimits, ...options.limits };
    this.metrics = measureOperations(options.registry);
    const executor = new Executor(options.schema);
    const run = (args: ExecutionArgs) => executor.execute(args, (args.contextValue as OperationContext).operationType);
    this.enveloped = envelop({
      plugins: [
        useEngine({
          parse,
          validate: (schema: GraphQLSchema, document: DocumentNode) => this.check(schema, document),
          execute: run,
          subscribe: (args: ExecutionArgs) => this.resultsOf(args, run),
        }),
        useSchema(options.schema),
        // Failed parses are not cached: the cache would throw before they are counted.
        useParserCache({ documentCache: cacheOf<DocumentNode>(), errorCache: { get: () => undefined, set: () => undefined } }),
        useValidationCache({ cache: cacheOf<readonly GraphQLError[]>() }),
        this.metrics.plugin,
      ],
    }) as GetEnvelopedFn<object>;
  }

  /** Who acts. Throws a GraphQLError that may be shown, UNAUTHENTICATED first of all. */
  async authenticate(credentials: Credentials, transport: Transport, requestId: string): Promise<Scope> {
    try {
      return await this.options.authenticate(credentials);
    } catch (error) {
      const shown = maskError(error, { requestId, log: this.log });
      this.metrics.refused.inc({ transport, code: codeOf(shown) });
      throw shown;
    }
  }

  /** Calls `onEnd` once, with what to show, when the scope is no longer good; never at once. Returns how to stop. */
  watch(scope: Scope, onEnd: (error: GraphQLError) => void): () => void {
    return this.options.watch?.(scope, (error) => onEnd(shownError(error))) ?? (() => undefined);
  }

  /**
   * Counts a request against its caller's limits and prepares it. What is not well-formed counts too: it is no cheaper to refuse. `tell`
   * gets the headers that say what is left, where a transport has headers. Never rejects.
   */
  async accept(
    request: OperationRequest,
    caller: Caller,
    tell?: (headers: Readonly<Record<string, string>>) => void,
  ): Promise<Operation | Refused> {
    if (this.options.admit) {
      try {
        const admission = await this.options.admit(caller.scope);
        tell?.(rateLimitHeaders(admission));
        checkAdmission(admission);
      } catch (error) {
        return this.refused(caller, [maskError(error, this.maskOf(caller.requestId))]);
      }
    }
    return this.prepare(request, caller);
  }

  /** Takes a place for what the caller opens; what it gives is called once, when that is closed. Throws a GraphQLError that may be shown. */
  async enter({ scope, requestId }: Caller, place: Place, onLost: (error: GraphQLError) => void): Promise<() => void> {
    try {
      return (await this.options.enter?.(scope, place, (error) => onLost(shownError(error)))) ?? (() => undefined);
    } catch (error) {
      throw maskError(error, this.maskOf(requestId));
    }
  }

  /** Everything that can refuse a request before it runs: shape, syntax, limits, schema, permissions, pages and strings. */
  prepare(request: OperationRequest, caller: Caller): Operation | Refused {
    const context = new OperationContext(caller);
    try {
      return this.operationOf(request, context);
    } catch (error) {
      return this.refused(caller, [maskError(error, this.maskOf(context.requestId))]);
    }
  }

  /** Refuses in the same way, and counted, what a transport finds wrong by itself. */
  refused({ transport }: Pick<Caller, 'transport'>, errors: readonly GraphQLError[]): Refused {
    this.metrics.refused.inc({ transport, code: errors[0] ? codeOf(errors[0]) : 'INTERNAL' });
    return { errors };
  }

  /** Runs a query or mutation. Never rejects; its errors may be shown. */
  async execute(operation: Operation): Promise<ExecutionResult> {
    const mask = this.maskOf(operation.context.requestId);
    try {
      const result: ExecutionResult = await operation.phases.execute(this.argsOf(operation));
      return maskResult(result, mask);
    } catch (error) {
      return { errors: [maskError(error, mask)] };
    }
  }

  /** Starts a subscription: a stream, or the errors that kept it from starting. Never rejects; what the stream throws may be shown. */
  async subscribe(operation: Operation): Promise<ResultStream | ExecutionResult> {
    const { context } = operation;
    const mask = this.maskOf(context.requestId);
    const gauge = this.metrics.subscriptions.labels({ transport: context.transport });
    try {
      const results = (await operation.phases.subscribe(this.argsOf(operation))) as Awaited<ReturnType<typeof subscribeTo>>;
      if (!(Symbol.asyncIterator in results)) {
        context.abort();
        return maskResult(results, mask);
      }
      gauge.inc();
      const polled = this.polled.get(context) ?? results;
      let unwatch = (): void => undefined;
      const stream = new ResultStream(results[Symbol.asyncIterator](), polled, {
        show: (result) => maskResult(result, mask),
        fail: (error) => maskError(error, mask),
        cursor: () => context.cursor,
        onEnd: () => {
          unwatch();
          gauge.dec();
          context.abort();
        },
      });
      unwatch = this.watch(context.scope, (error) => stream.refuse(error));
      context.whenRefused((error) => stream.refuse(error));
      return stream;
    } catch (error) {
      context.abort();
      return { errors: [maskError(error, mask)] };
    }
  }

  private async resultsOf(args: ExecutionArgs, execute: (args: ExecutionArgs) => ExecutionResult | Promise<ExecutionResult>) {
    const context = args.contextValue as OperationContext;
    const results = await subscribeTo(args, { onValue: (value) => context.take(value), execute });
    if (Symbol.asyncIterator in results) this.polled.set(context, results);
    return results;
  }

  private operationOf(request: OperationRequest, context: OperationContext): Operation | Refused {
    const { operationName, variables } = requestOf(request);
    const query = this.documents.find(request, context.scope.tenantId);
    const phases = this.enveloped(context);
    const { parse, validate } = phases;
    let document: DocumentNode;
    try {
      document = parse(query, { maxTokens: this.limits.tokens }) as DocumentNode;
    } catch (error) {
      return this.refused(context, [parseError(error)]);
    }
    const definition = getOperationAST(document, operationName);
    if (definition) this.name(context, definition);
    const errors = validate(this.schema, document) as readonly GraphQLError[];
    if (errors.length > 0) return this.refused(context, errors);
    if (!definition) throw new AppError('BAD_REQUEST', 'operationName must name one operation of the document');
    if (!kindsOf[context.transport].includes(definition.operation)) {
      throw new AppError(
        'OPERATION_NOT_SUPPORTED',
        `no ${definition.operation} over this transport, only ${kindsOf[context.transport].join(' and ')}`,
      );
    }
    for (const permission of this.guardsOf(document)) context.scope.require(permission);
    checkVariables(variables);
    const { errors: misfits } = getVariableValues(this.schema, definition.variableDefinitions ?? [], variables, {
      maxErrors: 20,
      hideSuggestions: true,
    });
    if (misfits)
      return this.refused(
        context,
        misfits.map((error) => maskError(error, this.maskOf(context.requestId))),
      );
    checkPages(this.schema, document, definition, variables, this.limits);
    return { errors: null, document, definition, variables, context, phases };
  }

  private check(schema: GraphQLSchema, document: DocumentNode): readonly GraphQLError[] {
    const errors = limitErrors(document, this.limits);
    if (errors.length > 0) return errors;
    try {
      const found = validate(schema, document, rules, { hideSuggestions: true, maxErrors: 20 });
      return found.map(
        ({ message, nodes }) =>
          new GraphQLError(message, { nodes: nodes ?? null, extensions: { code: 'GRAPHQL_VALIDATION_FAILED' } }),
      );
    } catch {
      // graphql-js throws on documents such as `subscription ($s: Boolean!) { a @skip(if: $s) b }` instead of refusing them.
      return [refusal('GRAPHQL_VALIDATION_FAILED', 'the document cannot be validated')];
    }
  }

  private guardsOf(document: DocumentNode): readonly Permission[] {
    const known = this.guards.get(document);
    if (known) return known;
    const found = new Set<Permission>();
    visit(document, {
      Field(field) {
        const permission = Object.hasOwn(guardedFields, field.name.value) ? guardedFields[field.name.value] : undefined;
        if (permission) found.add(permission);
      },
    });
    const guards = [...found];
    this.guards.set(document, guards);
    return guards;
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

function requestOf({ operationName, variables }: OperationRequest) {
  if (operationName !== undefined && operationName !== null && typeof operationName !== 'string') {
    throw new AppError('BAD_REQUEST', 'operationName must be a string');
  }
  if (variables !== undefined && variables !== null && (typeof variables !== 'object' || Array.isArray(variables))) {
    throw new AppError('BAD_REQUEST', 'variables must be an object');
  }
  return { operationName: operationName ?? null, variables: (variables ?? {}) as Record<string, unknown> };
}
