import type { Scope } from '../kernel/scope.ts';
import type { Loaders } from './loaders.ts';

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
  /** Aborted when the reader is gone: unsubscribed, disconnected or, for a query, hung up. Iterators must end on it. */
  readonly signal: AbortSignal;
  readonly transport: Transport;
}
