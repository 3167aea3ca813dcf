import type { GraphQLError } from 'graphql';
import { AppError } from '../kernel/errors.ts';
import { Scope, type Permission, type ScopeEvents } from '../kernel/scope.ts';

/** A subscription that runs on a socket. */
export interface Ongoing {
  readonly scope: Scope;
  /** What the scope held when the subscription was let in. */
  readonly held: ReadonlySet<Permission>;
  /** Ends it, for a reason that its reader is told. */
  readonly end: (error: GraphQLError) => void;
  /** Ends it unless what its scope may do by now would let it in. */
  readonly recheck: () => void;
}

/** Keeps a scope true, and tells what became of it; returns how to stop. */
export type WatchScope = (scope: Scope, events: ScopeEvents<GraphQLError>) => () => void;

/**
 * Who is behind a socket, and whether that is still good. A proof that is withdrawn ends what is running, and nothing more is taken. A fresh
 * proof of the same person takes the place of the one before, and what it covers goes on as if nothing had happened.
 */
export class Session {
  private readonly running = new Set<Ongoing>();
  /** Of this socket alone: others may have come with the same proof, and stay with it. */
  private current: Scope;
  private ended: GraphQLError | null = null;
  private isClosed = false;
  private unwatch: () => void;

  constructor(
    scope: Scope,
    private readonly watch: WatchScope,
    /** Called when the proof runs out by itself. */
    private readonly onRunOut: () => void,
  ) {
    this.current = copyOf(scope);
    this.unwatch = this.watchCurrent();
  }

  /** Who acts in what begins now. */
  get scope(): Scope {
    return this.current;
  }

  /** Why no more operations are taken; null while they are. */
  get refusal(): GraphQLError | null {
    return this.ended;
  }

  /** Lets a subscription be ended with its proof; returns how to leave. It may be ended at once. */
  join(ongoing: Ongoing): () => void {
    if (this.ended) {
      ongoing.end(this.ended);
      return () => undefined;
    }
    this.running.add(ongoing);
    // The proof may have been replaced while it was started.
    if (ongoing.scope !== this.current) ongoing.scope.change(this.current.held);
    if (ongoing.scope.held !== ongoing.held) ongoing.recheck();
    return () => void this.running.delete(ongoing);
  }

  /** Goes on by another proof. Throws FORBIDDEN unless it is of the same person in the same tenant; then nothing is changed. */
  replace(next: Scope): void {
    if (this.isClosed) return;
    if (next.tenantId !== this.current.tenantId || next.memberId !== this.current.memberId)
      throw new AppError('FORBIDDEN', 'this token is of another person than the one whose connection it is');
    this.unwatch();
    this.current = copyOf(next);
    this.ended = null;
    this.unwatch = this.watchCurrent();
    this.update();
  }

  close(): void {
    this.isClosed = true;
    this.unwatch();
    this.running.clear();
  }

  private watchCurrent(): () => void {
    return this.watch(this.current, {
      onEnd: (error) => {
        this.ended = error;
        for (const { end } of this.running) end(error);
      },
      onRunOut: () => this.onRunOut(),
      onChange: () => this.update(),
    });
  }

  private update(): void {
    for (const { scope, recheck } of this.running) {
      if (scope !== this.current) scope.change(this.current.held);
      recheck();
    }
  }
}

function copyOf({ tenantId, memberId, proof, held }: Scope): Scope {
  return new Scope(tenantId, memberId, proof, held);
}
