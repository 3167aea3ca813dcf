import type { GraphQLError } from 'graphql';
import { AppError } from '../kernel/errors.ts';
import type { LastingScope, Scope } from '../kernel/scope.ts';
import { shownError } from './masking.ts';

/** How a proof came to its end: by its own time, or because somebody withdrew it. */
export type ProofEnd = 'ran out' | 'was withdrawn';

/** Calls `onEnd` once, never at once, when what proved a scope is no longer good; returns how to stop. */
export type WatchProof = (scope: Scope, onEnd: (error: GraphQLError, end: ProofEnd) => void) => () => void;

/** An operation that goes on while its socket is open. */
export interface Ongoing {
  readonly scope: LastingScope;
  /** Ends it, for a reason that its reader is told. */
  readonly end: (error: GraphQLError) => void;
}

/**
 * Who is behind a socket, and whether that is still good. A proof that is withdrawn ends what is running, and nothing more is taken. A fresh
 * proof of the same person takes the place of the one before, and what it covers goes on as if nothing had happened.
 */
export class Standing {
  private readonly running = new Set<Ongoing>();
  private ended: GraphQLError | null = null;
  private isClosed = false;
  private unwatch: () => void;

  constructor(
    private current: Scope,
    private readonly watch: WatchProof,
    /** Called when the proof runs out by itself. */
    private readonly onRunOut: () => void,
  ) {
    this.unwatch = this.watchProof();
  }

  get scope(): Scope {
    return this.current;
  }

  /** Why no more operations are taken; null while they are. */
  get refusal(): GraphQLError | null {
    return this.ended;
  }

  /** Lets an operation be ended with its proof; returns how to leave. It may be ended at once. */
  join(ongoing: Ongoing): () => void {
    const error = this.ended ?? shownOrNull(ongoing.scope.goOnAs(this.current));
    if (error) ongoing.end(error);
    else this.running.add(ongoing);
    return () => void this.running.delete(ongoing);
  }

  /** Goes on by another proof. Throws FORBIDDEN unless it is of the same person in the same tenant; then nothing is changed. */
  replace(next: Scope): void {
    if (this.isClosed) return;
    if (next.tenantId !== this.current.tenantId || next.memberId !== this.current.memberId)
      throw new AppError('FORBIDDEN', 'this token is of another person than the one whose connection it is');
    this.unwatch();
    this.current = next;
    this.ended = null;
    this.unwatch = this.watchProof();
    for (const ongoing of this.running) {
      const error = shownOrNull(ongoing.scope.goOnAs(next));
      if (error) this.end(ongoing, error);
    }
  }

  close(): void {
    this.isClosed = true;
    this.unwatch();
    this.running.clear();
  }

  private watchProof(): () => void {
    return this.watch(this.current, (error, how) => {
      this.ended = error;
      if (how === 'ran out') return this.onRunOut();
      for (const ongoing of this.running) this.end(ongoing, error);
    });
  }

  private end(ongoing: Ongoing, error: GraphQLError): void {
    this.running.delete(ongoing);
    ongoing.end(error);
  }
}

function shownOrNull(error: AppError | null): GraphQLError | null {
  return error && shownError(error);
}
