import { and, eq, getTableColumns, inArray, isNull, sql, type SQL } from 'drizzle-orm';
import type { Act, ActService } from '../audit/act.service.ts';
import { rowsById } from '../db/by-id.ts';
import type { Database } from '../db/client.ts';
import { tenantPage, type Page, type PageInput } from '../db/page.ts';
import type { Clock } from '../kernel/clock.ts';
import { AppError } from '../kernel/errors.ts';
import { newId, uuidOfId } from '../kernel/id.ts';
import type { Scope } from '../kernel/scope.ts';
import type { Bus } from '../messages/bus.ts';
import { IssuerFault, type IssuerKeys, type Published } from './issuer-keys.ts';
import { checkRoles, readingOf, urlOf, audienceOf, nameOf, type Reading, type ReadingInput } from './issuer-reading.ts';
import { checkProof, proofOf } from './issuer-proof.ts';
import { issuers, type IssuerRow } from './issuers.table.ts';
import { refuseCapped } from './key-makers.ts';
import { lockPeople } from './people.ts';

/** What the service is built on. */
export interface IssuerParts {
  readonly database: Database;
  readonly acts: ActService;
  readonly keys: IssuerKeys;
  readonly clock: Clock;
  readonly bus: Bus;
}

/** An issuer to register. */
export interface NewIssuer extends ReadingInput {
  readonly url: string;
  readonly audience?: string | null;
  /** A token of the issuer that is for the audience and valid now; absent or null is enough for the tenant's own id. */
  readonly token?: string | null;
  readonly name?: string | null;
  readonly idempotencyKey?: string | null;
}

/** What to change about an issuer; absent leaves as it is. */
export interface IssuerChange extends ReadingInput {
  readonly id: string;
  readonly name?: string | null;
  readonly isEnabled?: boolean | null;
}

const mostIssuers = 50;
// Deleted ones keep their pair of URL and audience: nobody may collect these.
const mostEver = 500;

/** The OIDC issuers of a tenant, for the people in it. */
export class IssuerService {
  constructor(private readonly parts: IssuerParts) {}

  /** Newest first, without deleted ones. */
  async page(scope: Scope, input: PageInput): Promise<Page<IssuerRow>> {
    scope.require('issuers:read');
    return tenantPage(this.parts.database.as(scope), scope, input, {
      list: 'issuers',
      table: issuers,
      columns: getTableColumns(issuers),
      direction: 'descending',
      where: isNull(issuers.deletedAt),
    });
  }

  /** Issuers by id, in the order asked for; null for unknown and deleted ones and other tenants'. */
  async list(scope: Scope, ids: readonly string[]): Promise<(IssuerRow | null)[]> {
    scope.require('issuers:read');
    return this.find(scope, ids);
  }

  private find(scope: Scope, ids: readonly string[]): Promise<(IssuerRow | null)[]> {
    return rowsById('iss', ids, (known) =>
      this.parts.database
        .as(scope)
        .query.select()
        .from(issuers)
        .where(and(isListed(scope), inArray(issuers.id, known))),
    );
  }

  /**
   * Registers an issuer, after reading what it publishes. INVALID_INPUT says what is wrong with it or the input, CONFLICT that the pair of URL
   * and audience is taken, NOT_FOUND that there is no such role, FORBIDDEN which permission the caller would give without having it, or that a budget counts the key in use. An
   * audience that is not the tenant's own id is only for who shows a token that is for it: else anybody could keep its people from theirs.
   */
  async create(scope: Scope, input: NewIssuer): Promise<IssuerRow> {
    scope.require('issuers:write');
    const url = urlOf(input.url);
    const audience = audienceOf(scope, input.audience);
    const name = nameOf(input.name ?? new URL(url).host);
    const reading = readingOf(input);
    const proof = proofOf(scope, audience, input.token);
    // What is meant: a null that means what absence does is the same, one that does not is not. Tokens are another each time.
    const asked = {
      ...reading,
      emailClaim: reading.emailClaim ?? '',
      url,
      audience,
      name,
      idempotencyKey: input.idempotencyKey ?? null,
    };
    let algorithms = reading.algorithms;
    const row = await this.parts.acts.run(
      scope,
      {
        operation: 'issuerCreate',
        input: asked,
        again: async (id) => (await this.find(scope, [id]))[0] ?? Promise.reject(noSuchIssuer()),
        before: async () => {
          const published = await this.published(url, scope.tenantId);
          if (algorithms.length === 0) algorithms = published.algorithms.length > 0 ? [...published.algorithms] : ['RS256'];
          if (proof !== null)
            await checkProof(proof, { ...reading, url, audience, algorithms }, published, this.parts.clock.now());
        },
      },
      async (act) => {
        await lockPeople(act, scope);
        await refuseCapped(act, scope, 'an issuer’s tokens');
        await checkRoles(act, scope, reading);
        await checkRoom(act, scope);
        const made = await insert(act, scope, { ...reading, url, audience, name, algorithms });
        act.record({ thing: made.id, before: null, after: factsOf(made) });
        return made;
      },
    );
    // One that was deleted before may be back under its old id.
    this.parts.bus.publish('issuer.changed', [row.id]);
    return row;
  }

  /** Changes an issuer. What its tokens prove is changed for those that are in use, too: their streams end and come back. */
  async update(scope: Scope, input: IssuerChange): Promise<IssuerRow> {
    scope.require('issuers:write');
    const id = checkedId(input.id);
    const { row, isChanged } = await this.parts.acts.run(scope, { operation: 'issuerUpdate', input: {} }, async (act) => {
      await lockPeople(act, scope);
      const [before] = await act.query
        .select()
        .from(issuers)
        .where(and(isListed(scope), eq(issuers.id, id)))
        .for('update');
      if (!before) throw noSuchIssuer();
      const reading = readingOf(input, before);
      const isEnabled = input.isEnabled ?? before.isEnabled;
      const after = { ...reading, isEnabled, name: input.name == null ? before.name : nameOf(input.name) };
      const isChanged = meansSomethingElse(before, after);
      // Whoever may do less than its people can still turn it off, and name it.
      if (isChanged && isEnabled) {
        await refuseCapped(act, scope, 'an issuer’s tokens');
        await checkRoles(act, scope, reading);
      }
      const [row] = await act.query
        .update(issuers)
        .set({ ...after, revision: before.revision + (isChanged ? 1 : 0) })
        .where(and(eq(issuers.tenantId, scope.tenantId), eq(issuers.id, id)))
        .returning();
      if (!row) throw noSuchIssuer();
      act.record({ thing: id, before: factsOf(before), after: factsOf(row) });
      return { row, isChanged };
    });
    if (isChanged) this.parts.bus.publish('issuer.changed', [id]);
    return row;
  }

  /** Deletes an issuer: its tokens are refused from now on. Its people stay members. */
  async delete(scope: Scope, given: string): Promise<string> {
    scope.require('issuers:write');
    const id = checkedId(given);
    await this.parts.acts.run(scope, { operation: 'issuerDelete', input: {} }, async (act) => {
      await lockPeople(act, scope);
      const [row] = await act.query
        .update(issuers)
        .set({ deletedAt: sql`now()`, isEnabled: false, revision: sql`${issuers.revision} + 1` })
        .where(and(isListed(scope), eq(issuers.id, id)))
        .returning();
      if (!row) throw noSuchIssuer();
      act.record({ thing: id, before: factsOf(row), after: null });
    });
    this.parts.bus.publish('issuer.changed', [id]);
    return id;
  }

  private async published(url: string, tenantId: string): Promise<Published> {
    try {
      const published = await this.parts.keys.read(url, tenantId);
      if (published.jwks.keys.length === 0) throw new IssuerFault('it publishes no keys');
      return published;
    } catch (cause) {
      if (!(cause instanceof IssuerFault)) throw cause;
      throw new AppError('INVALID_INPUT', `this issuer cannot be used: ${cause.message}`, { path: ['input', 'url'], cause });
    }
  }
}

type New = Reading & Pick<IssuerRow, 'url' | 'audience' | 'name'>;

function isListed({ tenantId }: Scope): SQL | undefined {
  return and(eq(issuers.tenantId, tenantId), isNull(issuers.deletedAt));
}

/** Unknown, deleted and another tenant's are the same to a caller. */
function noSuchIssuer(): AppError {
  return new AppError('NOT_FOUND', 'no such issuer', { path: ['input', 'id'] });
}

function checkedId(id: string): string {
  if (uuidOfId(id, 'iss') === null) throw noSuchIssuer();
  return id;
}

async function checkRoom({ query }: Act, { tenantId }: Scope): Promise<void> {
  const [counts] = await query
    .select({ all: sql<number>`count(*)::int`, listed: sql<number>`(count(*) filter (where deleted_at is null))::int` })
    .from(issuers)
    .where(eq(issuers.tenantId, tenantId));
  if (counts && (counts.listed >= mostIssuers || counts.all >= mostEver))
    throw new AppError('CONFLICT', `a tenant has ${mostIssuers} issuers at most, ${mostEver} with those it deleted`);
}

/** A new row, or the tenant's own deleted one of the same URL and audience, as it is to be now. */
async function insert({ query }: Act, { tenantId }: Scope, what: New): Promise<IssuerRow> {
  const values = { id: newId('iss'), tenantId, ...what };
  const [made] = await query.insert(issuers).values(values).onConflictDoNothing().returning();
  if (made) return made;
  const isOwn = and(eq(issuers.tenantId, tenantId), eq(issuers.url, what.url), eq(issuers.audience, what.audience));
  const [back] = await query
    .update(issuers)
    .set({ ...what, deletedAt: null, isEnabled: true, revision: sql`${issuers.revision} + 1` })
    .where(and(isOwn, sql`${issuers.deletedAt} is not null`))
    .returning();
  if (back) return back;
  throw new AppError(
    'CONFLICT',
    'this issuer is registered with this audience already: give it an audience that is yours alone',
    {
      path: ['input', 'audience'],
    },
  );
}

/** What of an issuer decides about tokens. */
function meansSomethingElse(before: IssuerRow, after: Reading & Pick<IssuerRow, 'isEnabled'>): boolean {
  const facts = (of: Reading & Pick<IssuerRow, 'isEnabled'>): unknown => [
    of.isEnabled,
    of.algorithms,
    of.subjectClaim,
    of.emailClaim,
    of.roleClaim,
    of.roles.map(({ value, role }) => [value, role]),
    of.defaultRole,
  ];
  return JSON.stringify(facts(before)) !== JSON.stringify(facts(after));
}

/** For the record: all of it is what somebody set. */
function factsOf(row: IssuerRow): Readonly<Record<string, unknown>> {
  const { id: _id, tenantId: _tenantId, createdAt: _createdAt, deletedAt: _deletedAt, ...facts } = row;
  return facts;
}
