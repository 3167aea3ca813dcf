import postgres from 'postgres';
import { expect, it } from 'vitest';
import { uuidOf } from '../../src/db/ids.ts';
import { openTestApp } from '../harness/app.ts';
import { eventually } from '../harness/eventually.ts';
import { readGeneration } from '../harness/lasting-reader.ts';
import { startGeneration } from '../harness/letters.ts';
import { MockProvider } from '../harness/mock-provider.ts';
import { gated, mockEnv, tale } from '../harness/tales.ts';

it('the moment of a first token is stored after what the end of a text takes first: neither waits for the other', async () => {
  await using mock = await MockProvider.open();
  const [first = '', ...others] = tale(1);
  const end = gated([first], others);
  const begin = gated([], []);
  mock.script({
    pieces: (async function* () {
      yield* begin.pieces;
      yield* end.pieces;
    })(),
  });
  const app = await openTestApp({ env: mockEnv(mock) });
  const sql = postgres(app.database.url, { max: 2, onnotice: () => undefined });
  try {
    const id = await startGeneration(app);
    await using reader = readGeneration({ urls: [app.url], key: app.key, id });
    const uuid = uuidOf(id);
    await sql.begin(async (tx) => {
      // As the end does: the generation, then its attempt.
      const [held] = await tx<
        { pid: number }[]
      >`select pg_backend_pid() as pid from generations where id = ${uuid} for no key update`;
      const pid = held?.pid ?? 0;
      begin.open();
      await eventually(
        async () => (await sql`select 1 from pg_stat_activity where ${pid} = any(pg_blocking_pids(pid))`).length > 0,
      );
      expect(await tx`select number from attempts where generation_id = ${uuid} for no key update nowait`).toEqual([
        { number: 1 },
      ]);
    });
    end.open();
    expect(await reader.ended).toMatchObject({ status: 'SUCCEEDED', text: tale(1).join('') });
    expect(
      await sql`select g.first_token_at is not null and g.first_token_at = a.first_token_at as alike
                from generations g join attempts a on a.generation_id = g.id where g.id = ${uuid}`,
    ).toEqual([{ alike: true }]);
  } finally {
    await sql.end();
    await app.stop();
  }
});
