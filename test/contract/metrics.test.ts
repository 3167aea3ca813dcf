import { spawnSync } from 'node:child_process';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openTestApp, type TestApp } from '../harness/app.ts';
import { post, sse, wsClient } from '../harness/clients.ts';
import { eventually } from '../harness/eventually.ts';
import { startGeneration } from '../harness/letters.ts';

const stream = 'subscription Watched($id: ID!) { generationStream(id: $id) { __typename } }';
const token = 'token-of-the-scraper';
/** `promtool` is one program of Debian's package `prometheus`; without it that one test is skipped. */
const hasPromtool = spawnSync('promtool', ['--version']).error === undefined;

describe('/metrics of the whole product', () => {
  let app: TestApp;
  let text: string;

  const scrape = (headers: Record<string, string> = { authorization: `Bearer ${token}` }) =>
    fetch(`${app.url}/metrics`, { headers });

  beforeAll(async () => {
    app = await openTestApp({ env: { METRICS_TOKEN: token }, hasProcessMetrics: true });
    const id = await startGeneration(app);
    const client = wsClient(app.url, app.key);
    for await (const { errors } of client.iterate({ query: stream, variables: { id } })) expect(errors).toBeUndefined();
    await client.dispose();
    const { events } = await sse(app.url, { query: stream, variables: { id } }, { key: app.key });
    for await (const { result } of events) expect(result?.errors).toBeUndefined();
    for (let made = 0; made < 100; made++) await app.answer(`query MadeUp${made} { viewer { tenant { id } } }`);
    await post(app.url, { query: '{ viewer { tenant { id } } }' }, { key: 'dwk_wrong' });
    text = await eventually(async () => {
      const now = await (await scrape()).text();
      return now.includes('transport="sse"') && now;
    });
  });
  afterAll(() => app.stop());

  const samples = (name: string) =>
    text
      .split('\n')
      .filter((line) => line.startsWith(`${name}{`))
      .map((line) => ({
        labels: Object.fromEntries([...line.matchAll(/(\w+)="([^"]*)"/g)].map(([, label = '', value = '']) => [label, value])),
        value: Number(line.split(' ').at(-1)),
      }));

  it('has the operations of all three transports', () => {
    const counted = samples('graphql_operations_total').map(({ labels }) => `${labels['transport']} ${labels['operation_type']}`);

    expect([...new Set(counted)].toSorted()).toEqual(
      ['http mutation', 'http query', 'sse subscription', 'websocket subscription'].toSorted(),
    );
    expect(samples('graphql_refused_requests_total').map(({ labels }) => labels)).toContainEqual({
      transport: 'http',
      code: 'UNAUTHENTICATED',
    });
  });

  it('has labels that no client can make up', () => {
    const operations = samples('graphql_operations_total').filter(({ labels }) => labels['transport'] === 'http');

    expect(text).not.toContain('MadeUp');
    expect(operations.reduce((sum, { value }) => sum + value, 0)).toBeGreaterThanOrEqual(100);
    expect(operations.length).toBeLessThan(10);
    expect(text).not.toMatch(/(gen|ten|mem|key|tpl)_[0-9a-hjkmnp-tv-z]{26}/);
  });

  it('shows what the process does', () => {
    for (const name of ['process_cpu_seconds_total', 'nodejs_eventloop_lag_seconds', 'draftwire_generations_running'])
      expect(text).toMatch(new RegExp(`^${name} [\\d.e+-]+$`, 'm'));
  });

  it('is given to who has the token only', async () => {
    const statuses = await Promise.all([
      scrape(),
      scrape({}),
      scrape({ authorization: `Bearer ${token}x` }),
      scrape({ authorization: token }),
      scrape({ authorization: `Bearer ${app.key}` }),
    ]);

    expect(statuses.map(({ status }) => status)).toEqual([200, 401, 401, 401, 401]);
    const refused = await scrape({});
    expect(await refused.text()).not.toContain('graphql_');
    expect(await (await scrape()).text()).not.toContain(token);
  });

  it.skipIf(!hasPromtool)('is as `promtool check metrics` wants it', () => {
    const { status, stdout, stderr } = spawnSync('promtool', ['check', 'metrics'], { input: text });

    expect([status, stdout.toString(), stderr.toString()]).toEqual([0, '', '']);
  });

  it.skipIf(!hasPromtool)('promtool does refuse what is wrong', () => {
    expect(spawnSync('promtool', ['check', 'metrics'], { input: `${text}\nsome_thing{a="1"} x\n` }).status).not.toBe(0);
  });
});
