import { randomBytes } from 'node:crypto';
import postgres from 'postgres';
import { encodePosition } from '../../src/audit/cursor.ts';
import { uuidOf } from '../../src/db/ids.ts';
import { idOfUuid, newId, type IdPrefix } from '../../src/kernel/id.ts';
import type { TestApp } from './app.ts';
import { eventually, patienceMs } from './eventually.ts';
import type { TestIssuer } from './issuer.ts';
import { finishedGeneration } from './letters.ts';
import { setKey } from './own-keys.ts';
import { register } from './registered.ts';
import { setBudget } from './budgets.ts';
import { publishRoute } from './routes.ts';
import type { Caller, Seed } from './seed.ts';

/** The built-in roles, each with somebody who has it. */
export const roleNames = ['owner', 'admin', 'editor', 'reviewer', 'analyst', 'operator', 'member'] as const;
/** Who calls: nobody, somebody with an invitation only, the owner of another tenant, and one of each role. */
export const callerNames = ['anonymous', 'invited', 'stranger', ...roleNames] as const;
export type RoleName = (typeof roleNames)[number];
export type CallerName = (typeof callerNames)[number];

/** Who calls; `member` is null for those who are no member of the world's tenant. */
export interface Who {
  readonly name: CallerName;
  readonly key: string | null;
  readonly member: Caller | null;
}

/** What copies are made of, by table. */
interface Patterns {
  readonly generations: string;
  readonly api_keys: string;
  readonly roles: string;
  readonly invitations: string;
  readonly issuers: string;
}

/** What all worlds of a test share. */
export interface Ground {
  readonly app: TestApp;
  readonly seed: Seed;
  readonly owner: postgres.Sql;
  readonly stranger: Caller;
  /** One that can be registered. */
  readonly issuer: TestIssuer;
  readonly patterns: Patterns;
  close(): Promise<void>;
}

/** Makes one of each thing, through the front door, as the pattern of those that are copied. */
export async function openGround(app: TestApp, seed: Seed, issuer: TestIssuer): Promise<Ground> {
  const owner = postgres(app.database.url, { max: 1, onnotice: () => undefined });
  const stranger = await seed.tenant();
  const model = await seed.tenant();
  const made = async (document: string, at: string, thing: string) => {
    const answer = await model.ask<Record<string, Record<string, { id: string }>>>(`mutation { ${document} }`);
    return uuidOf(answer[at]?.[thing]?.id ?? '');
  };
  const patterns = {
    generations: uuidOf((await finishedGeneration(app, model)).id),
    api_keys: await made(
      'apiKeyCreate(input: { name: "spare", permissions: ["templates:read"] }) { apiKey { id } }',
      'apiKeyCreate',
      'apiKey',
    ),
    roles: await made('roleCreate(input: { name: "Clerk", permissions: ["models:read"] }) { role { id } }', 'roleCreate', 'role'),
    invitations: await made(
      'invitationCreate(input: { email: "ada@example.org", role: "member" }) { invitation { id } }',
      'invitationCreate',
      'invitation',
    ),
    issuers: uuidOf((await register(model, issuer)).id),
  };
  return { app, seed, owner, stranger, issuer, patterns, close: () => owner.end() };
}

/** A tenant with one of each role, somebody else and things of theirs. */
export class World {
  private readonly callers = new Map<CallerName, Who>();
  private cursor: Promise<string> | null = null;

  private constructor(
    private readonly ground: Ground,
    readonly tenant: { readonly id: string; readonly name: string },
    readonly owner: Caller,
    /** A member who never calls: others' things are theirs. */
    readonly other: Caller,
  ) {}

  static async open(ground: Ground): Promise<World> {
    const name = `world-${randomBytes(6).toString('hex')}`;
    const owner = await ground.seed.tenant(name);
    return new World(ground, { id: owner.tenantId, name }, owner, await ground.seed.member({ of: owner, role: 'member' }));
  }

  /** Somebody of this name, always the same. */
  async caller(name: CallerName): Promise<Who> {
    const known = this.callers.get(name) ?? (await this.newCaller(name));
    this.callers.set(name, known);
    return known;
  }

  /** Somebody of this name, new where they are of this tenant. */
  async newCaller(name: CallerName): Promise<Who> {
    if (name === 'anonymous') return { name, key: null, member: null };
    if (name === 'stranger') return { name, key: this.ground.stranger.key, member: null };
    if (name === 'invited') return { name, key: await this.token(), member: null };
    const member = await this.member(name);
    return { name, key: member.key, member };
  }

  member(role: RoleName): Promise<Caller> {
    return this.ground.seed.member({ of: this.owner, role });
  }

  /** A finished generation of a member. */
  async generation(memberId: string): Promise<string> {
    const { owner, patterns } = this.ground;
    const id = await this.copy('gen', 'generations', { member_id: uuidOf(memberId) });
    const changes = owner.json({ tenant_id: uuidOf(this.tenant.id), generation_id: uuidOf(id) });
    await owner`
      insert into attempts select made.* from attempts pattern, jsonb_populate_record(pattern, ${changes}) made
      where pattern.generation_id = ${patterns.generations}`;
    return id;
  }

  key(memberId: string): Promise<string> {
    return this.copy('key', 'api_keys', { member_id: uuidOf(memberId) });
  }

  role(): Promise<string> {
    return this.copy('rol', 'roles', { name: randomBytes(6).toString('hex') });
  }

  issuer(): Promise<string> {
    return this.copy('iss', 'issuers', { audience: randomBytes(6).toString('hex') });
  }

  /** An issuer to register for an audience, with the token that it takes. */
  async registrable(audience: string) {
    const { issuer } = this.ground;
    return { url: issuer.url, audience, token: await issuer.token({ audience }) };
  }

  invitation(memberId: string): Promise<string> {
    const email = `${randomBytes(6).toString('hex')}@example.org`;
    return this.copy('inv', 'invitations', { member_id: uuidOf(newId('mem')), invited_by_id: uuidOf(memberId), email });
  }

  async budget(): Promise<string> {
    return (await setBudget(this.owner, { team: newId('bud') })).id;
  }

  async route(): Promise<string> {
    return (await publishRoute(this.owner, `r-${randomBytes(6).toString('hex')}`)).id;
  }

  async routeVersion(): Promise<string> {
    return (await publishRoute(this.owner, 'versioned')).current.id;
  }

  async credential(): Promise<string> {
    return (await setKey(this.owner, 'openai', 'sk-of-the-tenant')).id;
  }

  /** The newest entry of the audit log: there is one since its owner changed something. */
  async auditEntry(): Promise<string> {
    await this.owner.ask('mutation { tenantUpdate(input: { generationRetentionDays: 90 }) { errors { code } } }');
    const [row] = await this.ground.owner<{ id: string }[]>`
      select id from audit_entries where tenant_id = ${uuidOf(this.tenant.id)} order by id desc limit 1`;
    return idOfUuid('aud', row?.id ?? '');
  }

  /** The cursor before all of its audit log, once there is something in it. */
  async auditCursor(): Promise<string> {
    const id = await this.auditEntry();
    const isSealed = async () => {
      const [row] = await this.ground.owner`select from audit_entries where id = ${uuidOf(id)} and position is not null`;
      return row !== undefined;
    };
    this.cursor ??= eventually(isSealed, patienceMs, 'the sealer').then(() => encodePosition(this.tenant.id, 0));
    return this.cursor;
  }

  /** A template of the library, and its version. */
  async template(): Promise<{ readonly id: string; readonly versionId: string }> {
    const asked = '{ template(slug: "cover-letter-classic") { id currentVersion { id } } }';
    const { template } = await this.owner.ask<{ template: { id: string; currentVersion: { id: string } } }>(asked);
    return { id: template.id, versionId: template.currentVersion.id };
  }

  private async token(): Promise<string> {
    const made = await this.owner.ask<{ invitationCreate: { token: string } }>(
      'mutation { invitationCreate(input: { email: "bob@example.org", role: "member" }) { token } }',
    );
    return made.invitationCreate.token;
  }

  private async copy(prefix: IdPrefix, table: keyof Patterns, changes: Record<string, string>): Promise<string> {
    const { owner, patterns } = this.ground;
    const id = newId(prefix);
    const all = owner.json({ ...changes, id: uuidOf(id), tenant_id: uuidOf(this.tenant.id) });
    await owner`
      insert into ${owner(table)} select made.* from ${owner(table)} pattern, jsonb_populate_record(pattern, ${all}) made
      where pattern.id = ${patterns[table]}`;
    return id;
  }
}
