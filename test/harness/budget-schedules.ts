import { randomUUID } from 'node:crypto';
import type postgres from 'postgres';
import type { Random } from './random.ts';

// Random schedules of calls that reserve and settle under the budgets of one tenant, and what has to be true of what came of them.

export const units = ['COST_MICROS', 'TOKENS', 'GENERATIONS'] as const;
export const periods = ['DAY', 'WEEK', 'MONTH'] as const;
export type Unit = (typeof units)[number];
export type Period = (typeof periods)[number];

/** A budget as the test made it. */
export interface Cap {
  readonly id: string;
  readonly subject: 'TENANT' | 'TEAM' | 'KEY' | 'MEMBER';
  /** The team, or the id; empty for the tenant. */
  readonly name: string;
  readonly unit: Unit;
  readonly period: Period;
  readonly most: number;
}

/** Whose call it is. */
export interface Payer {
  readonly team: string | null;
  readonly key: string | null;
  readonly member: string;
}

/** A tenant with members, keys and budgets. */
export interface World {
  readonly tenant: string;
  readonly members: readonly string[];
  readonly keys: readonly string[];
  readonly caps: readonly Cap[];
}

/** Makes one by hand, with caps that a handful of calls fills. */
export async function makeWorld(owner: postgres.Sql, random: Random): Promise<World> {
  const [tenant, members, keys] = [randomUUID(), [randomUUID(), randomUUID()], [randomUUID(), randomUUID()]];
  const wanted = new Map<string, Cap>();
  for (let count = random.whole(1, 4); count > 0; count--) {
    const subject = random.pick(['TENANT', 'TENANT', 'TEAM', 'KEY', 'MEMBER'] as const);
    const name = { TENANT: '', TEAM: random.pick(['red', 'blue']), KEY: random.pick(keys), MEMBER: random.pick(members) }[
      subject
    ];
    const [unit, period] = [random.pick(units), random.pick(periods)];
    const most = unit === 'GENERATIONS' ? random.whole(0, 12) : random.whole(0, 600);
    wanted.set([subject, name, unit, period].join(), { id: randomUUID(), subject, name, unit, period, most });
  }
  const caps = [...wanted.values()];
  const idOf = (subject: Cap['subject'], cap: Cap) => (cap.subject === subject ? cap.name : null);
  await owner.begin(async (sql) => {
    await sql`insert into tenants (id, name) values (${tenant}, 'schedule')`;
    for (const member of members)
      await sql`insert into members (id, tenant_id, email, role) values (${member}, ${tenant}, ${`${member}@example.org`}, 'member')`;
    for (const key of keys)
      await sql`insert into api_keys (id, tenant_id, member_id, name, secret_hash, permissions)
        values (${key}, ${tenant}, ${members[0] ?? ''}, 'key', ${key}, '{}')`;
    for (const cap of caps)
      await sql`insert into budgets (tenant_id, id, subject, team, key_id, member_id, unit, period, most)
        values (${tenant}, ${cap.id}, ${cap.subject}, ${idOf('TEAM', cap)}, ${idOf('KEY', cap)}::uuid, ${idOf('MEMBER', cap)}::uuid,
          ${cap.unit}, ${cap.period}, ${cap.most})`;
  });
  return { tenant, members, keys, caps };
}

/** Somebody of it. */
export function payerIn({ members, keys }: World, random: Random): Payer {
  return {
    team: random.pick(['red', 'blue', null]),
    key: random.pick([...keys, null]),
    member: random.pick(members),
  };
}

/** The caps that count a payer's calls. */
export function capsOf({ caps }: World, { team, key, member }: Payer): Cap[] {
  const names: Readonly<Record<Cap['subject'], string | null>> = { TENANT: '', TEAM: team, KEY: key, MEMBER: member };
  return caps.filter(({ subject, name }) => names[subject] === name);
}

/** What a call reserves or uses, by unit. */
export type Amounts = Readonly<Record<Unit, number>>;

/** What the database said: null for room, else which budget had none. */
export interface Refusal {
  readonly budget: string;
  readonly left: number;
  readonly needed: number;
  readonly resetsAt: number | null;
}

/** The refusal that an error is; throws any other on. */
export function refusalIn(error: unknown): Refusal {
  const { code, detail } = error as { code?: string; detail?: string };
  if (code !== 'DW003') throw error;
  return JSON.parse(detail ?? '') as Refusal;
}

/** Reserves as the start of a generation does; `moment` is the database's own when null. */
export async function reserve(
  sql: postgres.Sql,
  { tenant }: World,
  { team, key, member }: Payer,
  call: { readonly generation: string; readonly need: Amounts; readonly moment?: Date },
): Promise<void> {
  const { COST_MICROS: cost, TOKENS: tokens, GENERATIONS: generations } = call.need;
  await sql`select reserve_budgets(${tenant}, ${call.generation}, 1, ${team}, ${key}, ${member}, ${cost}, ${tokens}, ${generations},
    ${call.moment ?? null}::timestamptz)`;
}

/** Settles as the end of a generation does; by all that was reserved, as a sweep does, when nobody knows what it used. */
export async function settle(
  sql: postgres.Sql,
  { tenant }: World,
  call: { readonly generation: string; readonly used: Amounts | null; readonly moment?: Date },
): Promise<string[]> {
  const { used } = call;
  const [row] = await sql<{ reached: string[] }[]>`
    select to_jsonb(settle_budgets(${tenant}, ${call.generation}, null, ${used ? 1 : null}, ${used?.COST_MICROS ?? null}, ${used?.TOKENS ?? null},
      ${used?.GENERATIONS ?? null}, ${call.moment ?? null}::timestamptz)) as reached`;
  return row?.reached ?? [];
}
