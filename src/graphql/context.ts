import type { GraphQLError } from 'graphql';
import { AppError, type ErrorCode } from '../kernel/errors.ts';
import { over } from '../kernel/over.ts';
import type { Scope } from '../kernel/scope.ts';
import { Loaders } from './loaders.ts';
import type { Session } from './session.ts';

/** The ways in. */
export const transports = ['http', 'websocket', 'sse'] as const;
export type Transport = (typeof transports)[number];

/** What every resolver gets as its context; one per operation. */
export interface RequestContext {
  /** Finds the operation in the log; also in `x-request-id` and in masked errors. */
  readonly requestId: string;
  /** Who acts. */
  readonly scope: Scope;
  /** Batching readers that live as long as the operation (for a subscription: as long as one result). */
  readonly loaders: Loaders;
  /** Aborted when the reader is gone: unsubscribed, disconnected, hung up. Iterators of subscriptions must end on it. */
  readonly signal: AbortSignal;
  readonly transport: Transport;
  /** Told when a root field refuses; absent where nobody counts. */
  readonly onRefused?: OnRefused | undefined;
  /** Whether the request was counted against its caller's limits before it began, and may have effects at once. */
  readonly isAdmitted: boolean;
  /** Resolves when the request is counted against its caller's limits and may have effects; throws AppError when it may not. */
  admitted(): Promise<void>;
}

/** Told of an operation, by its GraphQL name, that was refused to somebody who is known. */
export type OnRefused = (scope: Scope, operation: string, code: ErrorCode) => void;

/** Who calls, and how: what a transport knows before it looks at the operation. */
export interface Caller {
  readonly transport: Transport;
  readonly scope: Scope;
  readonly requestId: string;
  /** Whose socket it is; absent where there is none. */
  readonly session?: Session | undefined;
  /** Where from; absent when the transport does not know. */
  readonly address?: string | undefined;
  /** Whether the data of an answer may come written out (`WrittenData`); only values when absent. */
  readonly takesWritten?: boolean;
}

/** The context while the operation lives: the pipeline names it for the metrics, the transport aborts it. */
export class OperationContext implements RequestContext {
  readonly transport: Transport;
  readonly scope: Scope;
  readonly requestId: string;
  readonly loaders: Loaders;
  readonly session: Session | undefined;
  readonly takesWritten: boolean;
  /** For the metrics; unknown until the document is parsed. */
  operationName = 'unknown';
  operationType = 'unknown';
  /** Whether its document was parsed before. */
  isKnown = false;
  /** The cursor of the subscription's latest value; null when it has none. */
  cursor: string | null = null;
  /** The variables, coerced, where its transport takes the data written out; else null. */
  values: Readonly<Record<string, unknown>> | null = null;
  /** Why the request is refused, or null, while that is being asked; null once it is known that it is not. Never rejects. */
  admission: Promise<{ readonly errors: readonly GraphQLError[] } | null> | null = null;
  // Made when first asked for: few queries listen.
  private controller: AbortController | null = null;
  private isAborted = false;
  private release: (() => void) | null = null;
  private refusal: GraphQLError | null = null;
  private onEndRefused: ((error: GraphQLError) => void) | null = null;

  constructor(
    caller: Caller,
    public onRefused?: OnRefused,
  ) {
    this.transport = caller.transport;
    this.session = caller.session;
    this.requestId = caller.requestId;
    this.takesWritten = caller.takesWritten ?? false;
    this.scope = scopeOf(caller);
    this.loaders = new Loaders(this.scope);
  }

  get signal(): AbortSignal {
    this.controller ??= new AbortController();
    if (this.isAborted) this.controller.abort(over);
    return this.controller.signal;
  }

  /** It begins while the limits are still being asked: what it refuses meanwhile is told of only if it was admitted. */
  awaitAdmission(admission: NonNullable<OperationContext['admission']>): void {
    this.admission = admission;
    const { onRefused } = this;
    if (!onRefused) return;
    this.onRefused = (scope, operation, code) => void admission.then((refused) => refused ?? onRefused(scope, operation, code));
  }

  get isAdmitted(): boolean {
    return this.admission === null;
  }

  async admitted(): Promise<void> {
    // Nobody is shown this one: a refused request is answered with its refusal. What a field makes of it is no refusal of its own.
    if (!(await this.admission)) return;
    throw new AppError('RATE_LIMITED', 'the request is not admitted');
  }

  /** Begins the next result of a subscription: it reads afresh, and its value's cursor is the reader's position. */
  take(value: unknown): void {
    this.loaders.clear();
    const hasCursor = typeof value === 'object' && value !== null && 'cursor' in value && typeof value.cursor === 'string';
    this.cursor = hasCursor ? (value.cursor as string) : null;
  }

  /** Keeps something until the operation is over; `release` is called at once when it is already. */
  holdUntilEnd(release: () => void): void {
    if (this.isAborted) release();
    else this.release = release;
  }

  /** Ends the operation's stream for a reason that its reader is told. */
  refuse(error: GraphQLError): void {
    this.refusal = error;
    this.onEndRefused?.(error);
  }

  /** Hears why the stream has to end, also when that was said before. */
  whenRefused(listener: (error: GraphQLError) => void): void {
    if (this.refusal) listener(this.refusal);
    else this.onEndRefused = listener;
  }

  /** A context like this one, for the same caller and with an end of its own. */
  fork(): OperationContext {
    const fork = new OperationContext(this);
    if (this.isAborted) fork.abort();
    else this.signal.addEventListener('abort', () => fork.abort(), { once: true, signal: fork.signal });
    return fork;
  }

  abort(): void {
    this.isAborted = true;
    this.controller?.abort(over);
    this.release?.();
    this.release = null;
  }
}

/** The scope of one operation: it knows where the operation came from. */
export function scopeOf({ scope, transport, requestId, address }: Caller): Scope {
  return scope.from({ transport, requestId, address: address ?? 'unknown' });
}
