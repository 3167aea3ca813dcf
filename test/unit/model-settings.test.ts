import { afterEach, expect, it, vi } from 'vitest';
import type { Database } from '../../src/db/client.ts';
import { openLog } from '../../src/kernel/log.ts';
import { Bus } from '../../src/messages/bus.ts';
import { noSetting } from '../../src/routing/model-setting.ts';
import { ModelSettingService, type StoredModelSetting } from '../../src/routing/model-setting.service.ts';
import { Models } from '../../src/routing/models.ts';
import { offline } from '../../src/providers/offline.ts';

afterEach(() => vi.useRealTimers());

it('settings of models are read again with their hint, and after a gap, without waiting for the next look', async () => {
  // Nothing comes of itself: what is seen was asked for.
  vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] });
  let stored: StoredModelSetting[] = [];
  let looks = 0;
  const engine = {
    sql: () => {
      looks++;
      return Promise.resolve(stored);
    },
  };
  const log = openLog({ level: 'silent' });
  const bus = new Bus(log);
  const models = new Models([offline({ tokensPerSecond: 0 })], null);
  const service = new ModelSettingService({ database: { engine } as unknown as Database, models, bus, log });
  await service.open();
  const set = (contextWindow: number) => (stored = [{ ...noSetting, id: 'offline/draft', contextWindow }]);
  const seen = () => models.choices.find(({ id }) => id === 'offline/draft')?.model.contextWindow;

  set(5);
  bus.carry({ kind: 'model.changed', ids: ['offline/draft'], isRemote: true });
  await vi.waitFor(() => expect(seen()).toBe(5));
  set(6);
  bus.gap();
  await vi.waitFor(() => expect(seen()).toBe(6));
  await service.close();
  const before = looks;
  bus.gap();
  bus.carry({ kind: 'model.changed', ids: ['offline/draft'], isRemote: true });
  expect(looks).toBe(before);
});
