import { randomInt, randomUUID } from 'node:crypto';
import postgres from 'postgres';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  capsOf,
  makeWorld,
  payerIn,
  periods,
  refusalIn,
  reserve,
  settle,
  type Amounts,
  type Cap,
  type Payer,
  type Period,
  type Refusal,
  type World,
} from '../harness/budget-schedules.ts';
import { openTestDatabase, type TestDatabase } from '../harness/database.ts';
import { randomOf, type Random } from '../harness/random.ts';

const seed = Number(process.env['SCHEDULES_SEED'] ?? randomInt(2 ** 31));
const schedules = Number(process.env['SCHEDULES'] ?? 1_000);

let database: TestDatabase;
let owner: postgres.Sql;
/** Two processes, as far as a database can tell. */
let pools: readonly postgres.Sql[];

beforeAll(async () => {
  database = await openTestDatabase();
  owner = postgres(database.url, { max: 4, onnotice: () => undefined });
  pools = [0, 1].map(() => postgres(database.url, { max: 6, onnotice: () => undefined }));
  // Every state that a budget ever had, in the order of the locks of its row, which is that of the commits.
  await owner.unsafe(`
    create table budget_states (number bigserial primary key, tenant_id uuid, budget uuid, used bigint, settled bigint, outstanding bigint);
    create function note_state() returns trigger language plpgsql security definer as $$
    begin
      insert into budget_states (tenant_id, budget, used, settled, outstanding)
      values (new.tenant_id, new.id, new.settled + new.outstanding, new.settled, new.outstanding);
      return null;
    end $$;
    create trigger states after insert or update on budgets for each row execute function note_state();`);
});
afterAll(async () => {
  for (const pool of [owner, ...pools]) await pool.end();
  await database.drop();
});

interface Call {
  readonly generation: string;
  readonly payer: Payer;
  readonly need: Amounts;
  /** Null when its process dies before it can say. */
  readonly used: Amounts | null;
  readonly process: number;
}

/** One call as it went; `from` and `to` are ticks of the test's own clock, around its reserving and the look behind it. */
interface Ran extends Call {
  readonly from: number;
  readonly to: number;
  readonly refusal: Refusal | null;
  /** The number of the newest state at that look. */
  readonly state: number;
}

function callIn(world: World, random: Random): Call {
  const need = { COST_MICROS: random.whole(0, 200), TOKENS: random.whole(1, 200), GENERATIONS: 1 };
  const isLost = random() < 0.2;
  const part = random.pick([0, 0.3, 0.9, 1]);
  const used = { COST_MICROS: Math.floor(need.COST_MICROS * part), TOKENS: Math.floor(need.TOKENS * part), GENERATIONS: 1 };
  return {
    generation: randomUUID(),
    payer: payerIn(world, random),
    need,
    used: isLost ? null : used,
    process: random.whole(0, 1),
  };
}

/** Runs the calls, a few at once in no order that anybody chose. */
async function runAll(world: World, calls: readonly Call[], atOnce: number): Promise<Ran[]> {
  const ran: Ran[] = [];
  let tick = 0;
  const left = [...calls];
  const work = async (): Promise<void> => {
    for (let call = left.shift(); call; call = left.shift()) {
      const sql = pools[call.process] as postgres.Sql;
      const from = tick++;
      let refusal: Refusal | null = null;
      try {
        await reserve(sql, world, call.payer, call);
      } catch (error) {
        refusal = refusalIn(error);
      }
      const [row] = await sql<
        { newest: string | null }[]
      >`select max(number) as newest from budget_states where tenant_id = ${world.tenant}`;
      ran.push({ ...call, from, to: tick++, refusal, state: Number(row?.newest ?? 0) });
      if (!refusal && call.used) await settle(sql, world, call);
    }
  };
  await Promise.all(Array.from({ length: atOnce }, work));
  return ran;
}

/** What is wrong with how it went; empty when nothing is. */
async function faultsOf(world: World, ran: readonly Ran[]): Promise<string[]> {
  const faults: string[] = [];
  const states = await owner<{ number: string; budget: string; used: string }[]>`
    select number, budget, used from budget_states where tenant_id = ${world.tenant} order by number`;
  for (const cap of world.caps) {
    const own = states
      .filter(({ budget }) => budget === cap.id)
      .map(({ number, used }) => ({ number: Number(number), used: Number(used) }));
    if (own.some(({ used }) => used > cap.most)) faults.push(`overspent: ${cap.unit} of ${cap.most}`);
    for (const { refusal, payer, need, from, to } of ran) {
      if (refusal?.budget !== cap.id) continue;
      if (!capsOf(world, payer).includes(cap)) faults.push('refused by a budget of others');
      // What was known before it began is the least that it saw.
      const least = Math.max(0, ...ran.filter((other) => other.to < from).map(({ state }) => state));
      const seen = own.filter(({ number }, index) => number > least || (own[index + 1]?.number ?? Infinity) > least);
      const wasFull = seen.some(({ used }) => cap.most - used === refusal.left && used + need[cap.unit] > cap.most);
      if (!wasFull || refusal.needed !== need[cap.unit])
        faults.push(`refused falsely at ${from}-${to}: ${JSON.stringify(refusal)}`);
    }
  }
  const admitted = ran.filter(({ refusal }) => refusal === null);
  const rows = await owner<{ id: string; settled: string; outstanding: string }[]>`
    select id, settled, outstanding from budgets where tenant_id = ${world.tenant}`;
  const sumOf = (cap: Cap, amounts: (ran: Ran) => Amounts | null): number =>
    admitted
      .filter(({ payer }) => capsOf(world, payer).includes(cap))
      .reduce((sum, each) => sum + (amounts(each)?.[cap.unit] ?? 0), 0);
  for (const cap of world.caps) {
    const row = rows.find(({ id }) => id === cap.id);
    const settled = sumOf(cap, ({ used }) => used);
    const outstanding = sumOf(cap, ({ used, need }) => (used ? null : need));
    if (Number(row?.settled) !== settled) faults.push(`settled ${row?.settled}, not ${settled}`);
    if (Number(row?.outstanding) !== outstanding) faults.push(`outstanding ${row?.outstanding}, not ${outstanding}`);
  }
  return faults;
}

describe(`budgets, seed ${seed}`, () => {
  it(`hold over ${schedules} random schedules of two processes that die between reserving and settling: no overspend, no false refusal`, async () => {
    const totals = { calls: 0, refused: 0, lost: 0 };
    let next = 0;
    const work = async (): Promise<void> => {
      for (let number = next++; number < schedules; number = next++) {
        const random = randomOf(seed + number);
        const world = await makeWorld(owner, random);
        const calls = Array.from({ length: random.whole(6, 20) }, () => callIn(world, random));
        const ran = await runAll(world, calls, random.whole(2, 6));
        expect(await faultsOf(world, ran), `schedule ${number} of seed ${seed}`).toEqual([]);
        // Their leases run out: somebody settles for them, by all that they had reserved.
        const lost = ran.filter(({ refusal, used }) => !refusal && !used);
        for (const { generation } of lost) await settle(owner, world, { generation, used: null });
        const whole = ran.map((each) => ({ ...each, used: each.used ?? each.need }));
        expect(await faultsOf(world, whole), `schedule ${number} of seed ${seed}, swept`).toEqual([]);
        totals.calls += calls.length;
        totals.refused += ran.filter(({ refusal }) => refusal).length;
        totals.lost += lost.length;
      }
    };
    await Promise.all(Array.from({ length: 4 }, work));

    // Schedules in which all fits, or nothing, would prove nothing.
    expect(totals.refused).toBeGreaterThan(totals.calls / 10);
    expect(totals.calls - totals.refused).toBeGreaterThan(totals.calls / 10);
    expect(totals.lost).toBeGreaterThan(0);
    expect(await owner`select from budget_holds`).toHaveLength(0);
  }, 180_000);

  it('slide exactly as their slices say, whatever the times', async () => {
    const cuts: Record<Period, { length: number; count: number }> = {
      DAY: { length: 3_600, count: 24 },
      WEEK: { length: 21_600, count: 28 },
      MONTH: { length: 86_400, count: 30 },
    };
    for (let number = 0; number < schedules / 10; number++) {
      const random = randomOf(seed + number);
      const made = await makeWorld(owner, random);
      const [settled, held] = [
        new Map<Cap, { slice: number; amount: number }[]>(),
        new Map<string, { payer: Payer; need: Amounts }>(),
      ];
      let seconds = 1_800_000_000 + random.whole(0, 10_000_000);
      const slide = random.pick([600, 7_200, 40_000, 200_000]);
      const inWindow = (cap: Cap) => {
        const { length, count } = cuts[cap.period];
        const now = Math.floor(seconds / length);
        return (settled.get(cap) ?? []).filter(({ slice }) => slice >= now - count);
      };
      const usedOf = (cap: Cap) =>
        inWindow(cap).reduce((sum, { amount }) => sum + amount, 0) +
        [...held.values()]
          .filter(({ payer }) => capsOf(made, payer).includes(cap))
          .reduce((sum, { need }) => sum + need[cap.unit], 0);
      const say = `schedule ${number} of seed ${seed}`;
      for (let step = 0; step < 30; step++) {
        seconds += random.whole(0, slide);
        const moment = new Date(seconds * 1_000);
        const sql = pools[random.whole(0, 1)] as postgres.Sql;
        const [generation] = [...held.keys()];
        if (generation !== undefined && random() < 0.5) {
          const { payer, need } = held.get(generation) as { payer: Payer; need: Amounts };
          held.delete(generation);
          const part = random.pick([0, 0.5, 1]);
          const used = {
            COST_MICROS: Math.floor(need.COST_MICROS * part),
            TOKENS: Math.floor(need.TOKENS * part),
            GENERATIONS: 1,
          };
          await settle(sql, made, { generation, used, moment });
          for (const cap of capsOf(made, payer)) {
            const slice = Math.floor(seconds / cuts[cap.period].length);
            settled.set(cap, [...(settled.get(cap) ?? []), { slice, amount: used[cap.unit] }]);
          }
          continue;
        }
        const { payer, need, generation: fresh } = callIn(made, random);
        const full = capsOf(made, payer)
          .toSorted((one, other) => (one.id < other.id ? -1 : 1))
          .find((cap) => need[cap.unit] > 0 && usedOf(cap) + need[cap.unit] > cap.most);
        const refusal = await reserve(sql, made, payer, { generation: fresh, need, moment }).then(() => null, refusalIn);
        expect(refusal?.budget ?? null, say).toBe(full?.id ?? null);
        if (!full) {
          held.set(fresh, { payer, need });
          continue;
        }
        expect(refusal?.left, say).toBe(Math.max(0, full.most - usedOf(full)));
        // The first moment at which enough has left the window, as far as that helps.
        const { length, count } = cuts[full.period];
        const slices = inWindow(full)
          .filter(({ amount }) => amount > 0)
          .toSorted((one, other) => one.slice - other.slice);
        let lacking = usedOf(full) + need[full.unit] - full.most;
        const last = slices.find(({ amount }) => (lacking -= amount) <= 0) ?? slices.at(-1);
        expect(refusal?.resetsAt, say).toBe(last ? (last.slice + count + 1) * length * 1_000 : null);
      }
    }
    expect(periods.toSorted()).toEqual(Object.keys(cuts).toSorted());
  }, 120_000);

  it('settle what an earlier build reserved, whose amounts are by budget', async () => {
    const [tenant, generation, tokens, spent] = [randomUUID(), randomUUID(), randomUUID(), randomUUID()];
    await owner`insert into tenants (id, name) values (${tenant}, 'earlier')`;
    await owner`insert into budgets (tenant_id, id, subject, unit, period, most, outstanding)
      values (${tenant}, ${tokens}, 'TENANT', 'TOKENS', 'DAY', 100, 50), (${tenant}, ${spent}, 'TENANT', 'COST_MICROS', 'MONTH', 100, 70)`;
    await owner`insert into budget_holds (tenant_id, generation_id, attempt, budget_ids, amounts)
      values (${tenant}, ${generation}, 1, ${[tokens, spent]}::uuid[], ${[50, 70]}::bigint[])`;

    await owner`select settle_budgets(${tenant}, ${generation}, null, 1, null, 20, null)`;

    const rows = await owner`select unit, settled::int, outstanding::int from budgets where tenant_id = ${tenant} order by unit`;
    expect(rows.map((row) => ({ ...row }))).toEqual([
      { unit: 'COST_MICROS', settled: 70, outstanding: 0 },
      { unit: 'TOKENS', settled: 20, outstanding: 0 },
    ]);
  });
});
