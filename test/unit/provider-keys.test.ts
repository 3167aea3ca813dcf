import { randomBytes } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import type { Database } from '../../src/db/client.ts';
import { newId } from '../../src/kernel/id.ts';
import { openLog } from '../../src/kernel/log.ts';
import { ProviderKeyService } from '../../src/vault/provider-key.service.ts';
import { UnreadableError, type About } from '../../src/vault/seal.ts';
import type { VaultService } from '../../src/vault/vault.service.ts';
import { LeanHttp } from '../../src/providers/http.ts';
import { openai } from '../../src/providers/openai.ts';
import { offlineAt } from '../harness/providers.ts';

const vendor = openai({ apiKey: 'sk-of-the-house' });
const tenant = newId('ten');
type Row = { provider: string; sealed: string; base_url?: string | null };
const own = (apiKey: string) => ({ apiKey, elsewhere: null });

/** A service whose database answers when it is told to. */
function opened() {
  const looks: PromiseWithResolvers<Row[]>[] = [];
  const lines: string[] = [];
  const time = { ms: 1_000 };
  const sql = () => {
    const look = Promise.withResolvers<Row[]>();
    looks.push(look);
    return look.promise;
  };
  const vault = {
    unseal: async (_about: About, sealed: string) => {
      if (sealed === 'broken') throw new UnreadableError('it was changed');
      return sealed.replace('sealed ', '');
    },
  };
  const service = new ProviderKeyService({
    database: { as: () => ({ sql }) } as unknown as Database,
    vault: vault as VaultService,
    clock: { now: () => new Date(), monotonic: () => time.ms },
    httpOf: () => new LeanHttp({ ms: 0, width: 1 }),
    log: openLog({ level: 'info', destination: { write: (line) => void lines.push(line) } }),
  });
  const answer = (...rows: Row[]) => looks.at(-1)?.resolve(rows);
  return { service, looks, lines, time, answer };
}

describe('a tenant’s own key', () => {
  it('is looked up once for all who ask, and then known for 3 s at most', async () => {
    const { service, looks, time, answer } = opened();
    expect(service.known(tenant, vendor)).toBeUndefined();
    const asked = [service.find(tenant, vendor), service.find(tenant, vendor)];
    service.prepare(tenant, vendor);
    answer({ provider: 'openai', sealed: 'sealed sk-own' });
    expect(await Promise.all(asked)).toEqual([own('sk-own'), own('sk-own')]);
    expect(service.known(tenant, vendor)).toEqual(own('sk-own'));
    time.ms += 1_400;
    service.prepare(tenant, vendor);
    expect([await service.find(tenant, vendor), looks.length]).toEqual([own('sk-own'), 1]);
    // Older than that it is looked up again while it is still used.
    time.ms += 1_599;
    expect([await service.find(tenant, vendor), looks.length]).toEqual([own('sk-own'), 2]);
    time.ms += 1;
    expect(service.known(tenant, vendor)).toBeUndefined();
    void service.find(tenant, vendor);
    expect(looks.length).toBe(2);
    answer();
  });

  it('is known not to be there, too, for every provider at once', async () => {
    const { service, looks, answer } = opened();
    service.prepare(tenant, vendor);
    answer({ provider: 'anthropic', sealed: 'sealed sk-other' });
    expect(await service.find(tenant, vendor)).toBeNull();
    expect(service.known(tenant, vendor)).toBeNull();
    expect(looks.length).toBe(1);
    expect(service.known(newId('ten'), vendor)).toBeUndefined();
  });

  it('is never looked for where none is taken', async () => {
    const { service, looks } = opened();
    const offline = offlineAt(0);
    service.prepare(tenant, offline);
    expect([service.known(tenant, offline), await service.find(tenant, offline), looks.length]).toEqual([null, null, 0]);
  });

  it('that was read before a change is not remembered after it', async () => {
    const { service, looks } = opened();
    const early = service.find(tenant, vendor);
    service.forget([tenant]);
    const late = service.find(tenant, vendor);
    expect(looks.length).toBe(2);
    looks[1]?.resolve([{ provider: 'openai', sealed: 'sealed sk-new' }]);
    expect(await late).toEqual(own('sk-new'));
    looks[0]?.resolve([{ provider: 'openai', sealed: 'sealed sk-old' }]);
    expect(await early).toEqual(own('sk-old'));
    expect(service.known(tenant, vendor)).toEqual(own('sk-new'));
  });

  it('is forgotten for the tenant that is named, or for all', async () => {
    const { service, answer } = opened();
    const other = newId('ten');
    for (const each of [tenant, other]) {
      service.prepare(each, vendor);
      answer();
      await service.find(each, vendor);
    }
    service.forget([tenant]);
    expect([service.known(tenant, vendor), service.known(other, vendor)]).toEqual([undefined, null]);
    service.forget(null);
    expect(service.known(other, vendor)).toBeUndefined();
  });

  it('that cannot be read is never taken for none', async () => {
    const { service, lines, answer } = opened();
    const asked = service.find(tenant, vendor);
    answer({ provider: 'openai', sealed: 'broken' });
    await expect(asked).rejects.toMatchObject({ name: 'ProviderError', code: 'CREDENTIAL_UNREADABLE', retryable: false });
    expect(service.known(tenant, vendor)).toBeUndefined();
    await expect(service.find(tenant, vendor)).rejects.toMatchObject({ code: 'CREDENTIAL_UNREADABLE' });
    expect(lines.every((line) => line.includes(tenant))).toBe(true);
  });

  it('fails when the database does, and asks again', async () => {
    const { service, looks, answer } = opened();
    const failure = new Error('away');
    service.prepare(tenant, vendor);
    const asked = service.find(tenant, vendor);
    looks[0]?.reject(failure);
    await expect(asked).rejects.toBe(failure);
    const again = service.find(tenant, vendor);
    answer({ provider: 'openai', sealed: `sealed ${randomBytes(4).toString('hex')}` });
    expect(await again).toMatchObject({ apiKey: expect.stringMatching(/^[0-9a-f]{8}$/) as string });
  });
});
