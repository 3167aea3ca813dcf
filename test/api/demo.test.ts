import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { runCommand } from '../harness/command.ts';
import { openTestDatabase, type TestDatabase } from '../harness/database.ts';
import { startProcess } from '../harness/process.ts';

/** The letter as it was printed: rows behind their positions. */
function printedRows(stdout: string): { position: number; text: string }[] {
  return [...stdout.matchAll(/^ *(\d+) │ ?(.*)$/gm)].map(([, position, text = '']) => ({ position: Number(position), text }));
}

describe('npm run demo', () => {
  let database: TestDatabase;
  let dataDir: string;
  const env = () => ({
    DATA_DIR: dataDir,
    DATABASE_URL: database.url,
    DATABASE_MAX_CONNECTIONS: '10',
    OFFLINE_TOKENS_PER_SECOND: '2000',
  });

  beforeAll(async () => {
    database = await openTestDatabase();
    dataDir = await mkdtemp(path.join(os.tmpdir(), 'draftwire-demo-'));
  });
  afterAll(async () => {
    await rm(dataDir, { recursive: true, force: true });
    await database.drop();
  });

  it('opens a server of its own, prints the letter with positions, and leaves nothing running', async () => {
    const { code, stdout, stderr } = await runCommand('cli/demo.js', [], env());
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(stdout).toMatch(/server +http:\/\/127\.0\.0\.1:\d+, opened for this demo/);
    expect(stdout).toMatch(/SUCCEEDED, and the [\d,]+ characters read are exactly the stored text/);
    expect(stdout).toMatch(/first token +after [\d,]+ ms/);
    expect(stdout).toMatch(/speed +[\d,—]+ tokens\/s/);
    expect(stdout).toContain('npm start');
    // Piped: nothing but text.
    expect(stdout).not.toContain('\u001B');
    const rows = printedRows(stdout);
    expect(rows.length).toBeGreaterThan(20);
    for (const [index, { position, text }] of rows.slice(0, -1).entries())
      expect(rows[index + 1]?.position).toBe(position + text.length + 1);
    expect(await readdir(dataDir)).toEqual(['dev-key', 'master-key']);
  });

  it('is the client of a server that runs', async () => {
    await using server = await startProcess({ database, env: { OFFLINE_TOKENS_PER_SECOND: '2000' }, isUnbundled: true });
    const { code, stdout } = await runCommand('cli/demo.js', [], { ...env(), DATA_DIR: server.dataDir });
    expect(code).toBe(0);
    expect(stdout).toContain(`${server.url}, already running`);
    expect(stdout).toContain(`${server.url}/graphql`);
    server.signal('SIGTERM');
    expect(await server.exited).toEqual({ code: 0, signal: null });
    expect(await readdir(server.dataDir)).not.toContain('server.json');
  });

  it('takes no notice of what a killed server left behind', async () => {
    await writeFile(path.join(dataDir, 'server.json'), JSON.stringify({ url: 'http://127.0.0.1:1', pid: process.pid }));
    const { code, stdout } = await runCommand('cli/demo.js', [], env());
    expect(code).toBe(0);
    expect(stdout).toContain('opened for this demo');
  });

  it('says why when it cannot', async () => {
    const { code, stderr } = await runCommand('cli/demo.js', [], {
      ...env(),
      PORT: 'x',
      DATABASE_URL: 'postgres://nobody@127.0.0.1:1/none',
    });
    expect(code).toBe(1);
    expect(stderr).toMatch(/^\nThe demo stopped: .*ECONNREFUSED/);
  });
});
