import type { Database } from '../db/client.ts';
import type { Statements } from '../db/connection.ts';
import type { Scope } from '../kernel/scope.ts';

/** What a mutation did to one thing. Never a secret, never a letter's text. */
export interface Deed {
  /** The id of the thing. */
  readonly thing: string;
  /** What of it was so before; null when it was made. */
  readonly before: Readonly<Record<string, unknown>> | null;
  /** What of it is so now; null when it is gone. */
  readonly after: Readonly<Record<string, unknown>> | null;
}

/** The transaction of one mutation. */
export interface Act extends Statements {
  /** Puts on record what was done; the first deed of an act names the thing that its idempotency key stands for. */
  record(deed: Deed): void;
}

/** Which mutation it is, and what it was asked. */
export interface ActOf<T> {
  /** The mutation's GraphQL name. */
  readonly operation: string;
  /** Its coerced input; an `idempotencyKey` in it makes a repeat give what the first call made. */
  readonly input: { readonly idempotencyKey?: string | null };
  /** Reads the answer of the first call again; needed where the input may have an idempotency key. */
  readonly again?: (thing: string) => Promise<T>;
}

/** Runs mutations: the change, its idempotency record and its audit record are one transaction. */
export class ActService {
  constructor(private readonly database: Database) {}

  /** Runs `change` in a transaction of the scope's tenant. */
  async run<T>(scope: Scope, _of: ActOf<T>, change: (act: Act) => Promise<T>): Promise<T> {
    return this.database
      .as(scope)
      .transaction((statements) =>
        change({ query: statements.query, sql: statements.sql.bind(statements), record: () => undefined }),
      );
  }
}
