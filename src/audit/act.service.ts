import { turnTo, type Database, type TenantScope } from '../db/client.ts';
import type { Statements } from '../db/connection.ts';
import type { SqlTag, Statement } from '../db/statement.ts';
import { answerKept, claimAnswer, findAnswer, type StoredAnswer } from '../idempotency/answers.ts';
import { checkSameInput, claimOf, contradiction, type IdempotencyClaim } from '../idempotency/claim.ts';
import { seal, unseal, type SealOf } from '../idempotency/seal.ts';
import { newId } from '../kernel/id.ts';
import type { Scope } from '../kernel/scope.ts';
import type { ServiceName } from '../kernel/service.ts';
import { entriesAdded, entryAddedWith, entryOf, serviceEntryOf, type NewEntry } from './entry.ts';
import { Pseudonyms } from './pseudonym.ts';

/** What a mutation did to one thing. Never a secret, never a letter's text; ids and email addresses of people are recorded as pseudonyms. */
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
  readonly record: (deed: Deed) => void;
  /** Puts on record what a service did along with it, under the operation's name. */
  readonly recordBy: (service: ServiceName, operation: string, deed: Deed) => void;
  /** Does some of it for another tenant, behind that tenant's wall; what it records there is the work's to say. */
  readonly within: <T>(tenant: TenantScope, work: (statements: Statements) => Promise<T>) => Promise<T>;
  /** Keeps a text that only the answer holds (a new key's secret) for a repeat of the call, sealed; without an idempotency key it is not kept. */
  readonly keep: (secret: string) => void;
}

/** Which mutation it is, and what it was asked. */
export interface ActOf<T> {
  /** The mutation's GraphQL name. */
  readonly operation: string;
  /** Its coerced input; an `idempotencyKey` in it makes a repeat give what the first call made. */
  readonly input: { readonly idempotencyKey?: string | null };
  /** Reads the answer of the first call again, with the text it kept; needed where the input may have an idempotency key. */
  readonly again?: (thing: string, kept: string | null) => Promise<T>;
  /** What is done before the transaction is opened, such as a call to somebody else; a repeat does without. */
  readonly before?: () => Promise<void>;
  /** Doing it twice is the same as doing it once: it is tried again when the connection fails under it. */
  readonly idempotent?: boolean;
}

/** A transaction's outcome: what it made, or what an earlier call with the same key has left. */
type Outcome<T> = { readonly made: T } | { readonly left: StoredAnswer };

/** Runs mutations: the change, its idempotency record and its audit record are one transaction. */
export class ActService {
  /** How the audit log names people. */
  readonly pseudonyms: Pseudonyms;
  /** Calls with an idempotency key that are under way here: those that repeat them wait without a connection. */
  private readonly running = new Map<string, Promise<unknown>>();

  constructor(
    private readonly database: Database,
    private readonly secret: string,
  ) {
    this.pseudonyms = new Pseudonyms(secret);
  }

  /**
   * Runs `change` in a transaction of the scope's tenant. With an idempotency key of an earlier call it gives `again` instead, or throws
   * CONFLICT when the input is another; a repeat changes nothing and is not put on record twice. What fails leaves nothing.
   */
  async run<T>(scope: Scope, of: ActOf<T>, change: (act: Act) => Promise<T>): Promise<T> {
    const claim = claimOf(of.operation, of.input);
    if (!claim) {
      await of.before?.();
      return this.transact(scope, of, change);
    }
    const name = JSON.stringify([scope.tenantId, scope.memberId, claim.operation, claim.key]);
    // Once: should it fail, those that waited for it meet in the database, whose waits have deadlines.
    await this.running.get(name);
    const { promise, resolve } = Promise.withResolvers<void>();
    this.running.set(name, promise);
    try {
      const left = await findAnswer(this.database.as(scope), scope, claim);
      if (!left) await of.before?.();
      const outcome = left ? { left } : await this.claimed(scope, of, claim, change);
      return 'made' in outcome ? outcome.made : await this.repeated(scope, of, claim, outcome.left);
    } finally {
      if (this.running.get(name) === promise) this.running.delete(name);
      resolve();
    }
  }

  /** The audit record of an act whose change is one statement, to stand beside it in that statement; added when `source` has a row. */
  recordWith(sql: SqlTag, scope: Scope, operation: string, deed: Deed, source: Statement): Statement {
    return entryAddedWith(sql, scope.tenantId, entryOf(this.pseudonyms, scope, operation, deed, newId('aud')), source);
  }

  private async transact<T>(scope: Scope, of: ActOf<T>, change: (act: Act) => Promise<T>): Promise<T> {
    const ids: string[] = [];
    return this.database.as(scope).transaction(
      async (statements) => {
        const act = new RunningAct(statements, scope);
        const made = await change(act);
        await statements.sql((sql) => this.entries(sql, scope, of.operation, act, ids));
        return made;
      },
      { idempotent: of.idempotent ?? false },
    );
  }

  private claimed<T>(
    scope: Scope,
    { operation }: ActOf<T>,
    claim: IdempotencyClaim,
    change: (act: Act) => Promise<T>,
  ): Promise<Outcome<T>> {
    return this.database.as(scope).transaction<Outcome<T>>(async (statements) => {
      const left = await claimAnswer(statements, scope, claim);
      if (left) return { left };
      const act = new RunningAct(statements, scope);
      const made = await change(act);
      const [first] = act.deeds;
      if (!first) throw new Error(`${operation} recorded no thing for its idempotency key to stand for`);
      const sealed = act.kept === null ? null : seal(act.kept, this.sealOf(scope, claim));
      await statements.sql(
        (sql) => sql`
          with answered as (${answerKept(sql, scope, claim, { thing: first.thing, sealed })})
          ${this.entries(sql, scope, operation, act, [])}`,
      );
      return { made };
    });
  }

  private async repeated<T>(
    scope: Scope,
    { operation, again }: ActOf<T>,
    claim: IdempotencyClaim,
    left: StoredAnswer,
  ): Promise<T> {
    if (!again) throw new Error(`${operation} takes an idempotency key and cannot answer again`);
    checkSameInput(claim, left.inputHash);
    const kept = left.sealed === null ? null : unseal(left.sealed, this.sealOf(scope, claim));
    // Another key of the same member may end sooner or allow less: it gets no secret that it did not make.
    if (left.sealed !== null && kept === null)
      throw contradiction('what this idempotency key gave holds a secret, shown again only to the key or token that made it');
    return again(left.thing, kept);
  }

  /** An act without a deed is on record as well: who did it, when, and to nothing. */
  private entries(sql: SqlTag, scope: Scope, operation: string, { deeds, alongside }: RunningAct, ids: string[]): Statement {
    const told = deeds.length > 0 ? deeds : [{ thing: null, before: null, after: null }];
    const entries = told.map((deed, index) => entryOf(this.pseudonyms, scope, operation, deed, (ids[index] ??= newId('aud'))));
    return entriesAdded(sql, scope.tenantId, [...entries, ...alongside]);
  }

  private sealOf({ tenantId, memberId, proof }: Scope, { operation, shownKey }: IdempotencyClaim): SealOf {
    return { secret: this.secret, key: shownKey, context: [tenantId, memberId, proof.kind, proof.id, operation] };
  }
}

/** One act while its transaction is open. */
class RunningAct implements Act {
  readonly deeds: Deed[] = [];
  readonly alongside: NewEntry[] = [];
  kept: string | null = null;
  readonly query: Statements['query'];

  constructor(
    private readonly statements: Statements,
    private readonly own: TenantScope,
  ) {
    this.query = statements.query;
  }

  sql: Statements['sql'] = (statement, options) => this.statements.sql(statement, options);

  record = (deed: Deed): void => void this.deeds.push(deed);

  recordBy = (service: ServiceName, operation: string, deed: Deed): void =>
    void this.alongside.push(serviceEntryOf(service, operation, deed, newId('aud')));

  within = async <T>(tenant: TenantScope, work: (statements: Statements) => Promise<T>): Promise<T> => {
    await turnTo(this.statements, tenant);
    try {
      const made = await work(this.statements);
      await turnTo(this.statements, this.own);
      return made;
    } catch (error) {
      // Whoever catches it must not go on in the other tenant's name. After a failed statement nothing more is taken, nor needed.
      await turnTo(this.statements, this.own).catch(() => undefined);
      throw error;
    }
  };

  keep = (secret: string): void => {
    this.kept = secret;
  };
}
