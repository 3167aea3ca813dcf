import { once } from 'node:events';
import net, { type AddressInfo } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { arraysOf, objectsOf, type RowBytes } from '../../src/db/rows.ts';
import type { CompiledStatement } from '../../src/db/statement.ts';
import { WireSocket } from '../../src/db/wire.ts';
import { StoredRows, type StoredColumns } from '../../src/kernel/stored-rows.ts';
import { randomOf } from '../harness/random.ts';

const seed = Number(process.env.TEST_SEED ?? Math.floor(Math.random() * 1e9));
const columns: StoredColumns = ['a', 'b'].map((name) => ({ name, form: 'text', prefix: '', valueOf: (text) => text }));

function message(type: string, ...parts: (string | Buffer)[]): Buffer {
  const body = Buffer.concat(parts.map((part) => Buffer.from(part)));
  const head = Buffer.alloc(5);
  head.write(type);
  head.writeInt32BE(body.length + 4, 1);
  return Buffer.concat([head, body]);
}
const int = (value: number, bytes: 2 | 4): Buffer => {
  const buffer = Buffer.alloc(bytes);
  buffer.writeIntBE(value, 0, bytes);
  return buffer;
};
const row = (...values: (string | null)[]): Buffer =>
  message(
    'D',
    int(values.length, 2),
    ...values.flatMap((value) => (value === null ? [int(-1, 4)] : [int(Buffer.byteLength(value), 4), value])),
  );
const ready = message('Z', 'I');
const done = message('C', 'SELECT 1\0');
const bound = message('2');
const sync = message('S');
const rowsOf = (found: RowBytes) =>
  new StoredRows<{ a: string | null; b: string | null }>(columns, found.bytes, found.starts).rows();

/** A server that says what it is told to, in the pieces that it is told, and nothing by itself. */
let server: net.Server;
beforeAll(async () => {
  server = net.createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
});
afterAll(() => server.close());

async function open(afterMs = 60_000) {
  const silent: boolean[] = [];
  const wire = new WireSocket({
    afterMs,
    onSilence: (reject, isRunning) => {
      silent.push(isRunning);
      reject(new Error('silent'));
    },
  });
  const heard: Buffer[] = [];
  wire.on('data', (bytes: Buffer) => heard.push(Buffer.from(bytes)));
  wire.connect((server.address() as AddressInfo).port, '127.0.0.1');
  const [peer] = (await once(server, 'connection')) as [net.Socket];
  peer.on('error', () => undefined);
  const received: Buffer[] = [];
  peer.on('data', (bytes: Buffer) => received.push(bytes));
  /** Hands bytes to the socket as if they had arrived in these pieces. */
  const say = (bytes: Buffer, sizes: () => number = () => bytes.length) => {
    for (let at = 0; at < bytes.length;) {
      const size = Math.min(sizes(), bytes.length - at);
      wire.emit('data', bytes.subarray(at, at + size));
      at += size;
    }
  };
  return { wire, peer, heard: () => Buffer.concat(heard), received: () => Buffer.concat(received), say, silent };
}
/** Reads go out at the end of a turn. */
const turn = () => new Promise((resolve) => setImmediate(() => setImmediate(resolve)));

describe(`a socket for the driver and for reads (seed ${seed})`, () => {
  it('gives each what is its own, in whatever pieces it arrives', async () => {
    const random = randomOf(seed);
    for (let round = 0; round < 60; round++) {
      const { wire, say, heard } = await open();
      const startup = Buffer.concat([message('R', int(0, 4)), message('S', 'a\0b\0'), message('K', int(1, 4), int(2, 4)), ready]);
      say(startup);
      const forDriver: Buffer[] = [startup];
      const answers: Buffer[] = [];
      const reads: { expected: { a: string | null; b: string | null }[]; found: Promise<RowBytes> }[] = [];
      for (let each = 0; each < 8; each++) {
        const rows = Array.from({ length: random.whole(0, 4) }, () => ({
          a: random() < 0.2 ? null : 'å'.repeat(random.whole(0, 40)),
          b: random() < 0.2 ? null : 'Z'.repeat(random.whole(0, 300)),
        }));
        const texts = rows.map(({ a, b }) => row(a, b));
        const notice = random() < 0.3 ? [message('N', 'a notice\0'), message('A', 'D'.repeat(20))] : [];
        if (random() < 0.5) {
          wire.write(Buffer.concat([message('B', 'x'), message('E'), sync]));
          forDriver.push(bound, ...texts, ...notice, done, ready);
          answers.push(bound, ...texts, ...notice, done, ready);
        } else {
          reads.push({ expected: rows, found: wire.ask(random.pick(['select 1', 'select 2']), ['p', null]) });
          await turn();
          const at = random.whole(0, texts.length);
          answers.push(bound, ...texts.slice(0, at), ...notice, ...texts.slice(at), done, ready);
          forDriver.push(...notice);
        }
      }
      const most = random.pick([1, 3, 7, 100, 5_000]);
      say(Buffer.concat(answers), () => random.whole(1, most));
      for (const { expected, found } of reads) expect(rowsOf(await found)).toEqual(expected);
      expect(heard().equals(Buffer.concat(forDriver))).toBe(true);
      wire.destroy();
    }
  });

  it('prepares a statement once, again when it has failed, and not beyond its bound', async () => {
    const { wire, say, received } = await open();
    say(ready);
    const first = wire.ask('select 1', []);
    await turn();
    const second = wire.ask('select 1', []);
    await turn();
    say(Buffer.concat([bound, done, ready, message('E', 'C26000\0', 'Mgone\0', '\0'), ready]));
    expect(rowsOf(await first)).toEqual([]);
    await expect(second).rejects.toMatchObject({ message: 'gone', code: '40001' });
    await turn();
    say(ready);
    void wire.ask('select 1', []).catch(() => undefined);
    await turn();
    await expect.poll(() => received().toString('latin1').split('select 1').length - 1).toBe(2);
    for (let each = 0; each < 400 && wire.mayRead(`select ${each}`); each++)
      void wire.ask(`select ${each}`, []).catch(() => undefined);
    expect([wire.mayRead('select 1'), wire.mayRead('select 1000')]).toEqual([true, false]);
    wire.destroy();
  });

  it('gives the rows of the last of several statements of one transaction, as the server described them, or its error', async () => {
    const { wire, say, received } = await open();
    say(ready);
    const [turning, asking] = ['select set_config($1)', 'select id, n, at'].map((text) => ({ text, parameters: ['p'] }));
    const described = message(
      'T',
      int(3, 2),
      ...[
        ['id', 25],
        ['n', 20],
        ['gone', 16],
      ].flatMap(([name, type]) => [`${name}\0`, int(0, 4), int(0, 2), int(Number(type), 4), int(0, 2), int(0, 4), int(0, 2)]),
    );
    const scope = [message('1'), message('t', int(0, 2)), message('T', int(0, 2)), bound, row('said'), done];
    const first = wire.run([turning, asking] as CompiledStatement[]);
    expect([first.wasSent(), first.isRunning()]).toEqual([false, false]);
    await turn();
    expect([first.wasSent(), first.isRunning()]).toEqual([true, true]);
    say(
      Buffer.concat([...scope, message('1'), message('t', int(0, 2)), described, bound, row('ä', '7', null), done, ready]),
      () => 3,
    );
    expect(objectsOf(first.columns(), await first.answer)).toEqual([{ id: 'ä', n: 7, gone: null }]);
    expect(arraysOf(first.columns(), await first.answer)).toEqual([['ä', 7, null]]);
    expect(first.isRunning()).toBe(false);

    const second = wire.run([turning, asking] as CompiledStatement[]);
    await turn();
    say(
      Buffer.concat([bound, row('said'), done, bound, message('E', 'CDW003\0', 'Mfull\0', 'D{}\0', 'nbudgets\0', '\0'), ready]),
    );
    await expect(second.answer).rejects.toMatchObject({
      name: 'PostgresError',
      code: 'DW003',
      detail: '{}',
      constraint_name: 'budgets',
    });
    const third = wire.run([asking] as CompiledStatement[]);
    await turn();
    say(Buffer.concat([bound, row('b', '8', 't'), done, ready]));
    expect(objectsOf(third.columns(), await third.answer)).toEqual([{ id: 'b', n: 8, gone: true }]);
    // Each was prepared once, though a transaction failed.
    await expect.poll(() => received().toString('latin1').split('select').length - 1).toBe(2);
    wire.destroy();
  });

  it('keeps reads back while the driver waits for a description', async () => {
    const { wire, say, received } = await open();
    say(ready);
    wire.write(Buffer.concat([message('P', 'x'), message('D', 'S'), message('H')]));
    expect(wire.mayRead('select 1')).toBe(false);
    const late = wire.ask('select 1', []);
    await turn();
    await turn();
    expect(received().includes('select 1')).toBe(false);
    wire.write(Buffer.concat([message('B', 'x'), sync]));
    await expect.poll(() => received().includes('select 1')).toBe(true);
    say(Buffer.concat([message('1'), bound, done, ready, bound, row('x', 'y'), done, ready]));
    expect(rowsOf(await late)).toEqual([{ a: 'x', b: 'y' }]);
    wire.destroy();
  });

  it('is the driver’s alone when the connection is encrypted', async () => {
    const { wire, say, heard } = await open();
    say(Buffer.from('S'));
    say(Buffer.concat([Buffer.from([22, 3, 1]), ready]));
    expect(heard().length).toBe(1 + 3 + ready.length);
    expect(wire.mayRead('select 1')).toBe(false);
    wire.destroy();
  });

  it('ends reads with their connection, and tells of one without an answer', async () => {
    const { wire, say, silent } = await open(20);
    say(ready);
    const read = wire.ask('select 1', []);
    await expect(read).rejects.toThrow('silent');
    expect(silent).toEqual([true]);
    const other = wire.ask('select 1', []);
    wire.destroy();
    await expect(other).rejects.toMatchObject({ code: 'CONNECTION_CLOSED' });
    expect(wire.mayRead('select 1')).toBe(false);
  });
});
