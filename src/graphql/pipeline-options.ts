import type { GraphQLSchema } from 'graphql';
import type { Registry } from 'prom-client';
import type { AppError } from '../kernel/errors.ts';
import type { Log } from '../kernel/log.ts';
import type { TrustedDocuments } from '../kernel/manifest.ts';
import type { Scope, ScopeEvents } from '../kernel/scope.ts';
import type { Admit, Enter } from './admission.ts';
import type { OnRefused } from './context.ts';
import type { Limits } from './limits.ts';

/** What a caller shows to prove who it is. */
export interface Credentials {
  /** As in the HTTP header: `Bearer <key>`; null when nothing was shown. */
  readonly authorization: string | null;
}

/** What the pipeline is built on. */
export interface PipelineOptions {
  readonly schema: GraphQLSchema;
  /** Throws AppError UNAUTHENTICATED when the credentials prove nobody. */
  authenticate(credentials: Credentials): Promise<Scope>;
  /** Keeps a scope true to what its caller may do, and tells what became of it; returns how to stop. Absent: a scope stays as it is. */
  watch?(scope: Scope, events: ScopeEvents<AppError>): () => void;
  /** Counts every request against its caller's limits; absent: there are none. */
  readonly admit?: Admit;
  /** Takes a place for a socket or subscription; what it gives is called when that is closed. Throws AppError; absent: there is always one. */
  readonly enter?: Enter;
  /** Told of every operation that is refused to somebody who is known, for a permission, a limit or a key that is over. */
  readonly onRefused?: OnRefused;
  /** Mutations that have no effect before the context says that they are `admitted`: they begin while that is being asked. */
  readonly patientMutations?: ReadonlySet<string>;
  readonly log: Log;
  readonly registry: Registry;
  /** Operation names that metrics may show; any other is counted as `other`. */
  readonly knownOperations?: ReadonlySet<string>;
  readonly limits?: Partial<Limits>;
  /** Documents that may run; any when absent. */
  readonly trustedDocuments?: TrustedDocuments;
}
