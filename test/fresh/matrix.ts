import { execFileSync, spawn } from 'node:child_process';
import { chmodSync, copyFileSync, createWriteStream, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import process from 'node:process';
import { fileURLToPath } from 'node:url';

// npm run check:fresh [-- --quick]: README's two commands from clones of HEAD in empty folders, in every situation that README promises:
// Node 20 (with its npm 10) and 24, root and an ordinary user, a home that nobody else may enter, and again right after a `kill -9`.
// One line per cell. `--quick` runs only the demo. Network: the package registry.

interface User {
  readonly name: string;
  readonly uid: number;
  readonly gid: number;
}

interface Toolchain {
  readonly name: string;
  /** Before everything else in PATH. */
  readonly folders: readonly string[];
}

const commands = { demo: 'npm install && npm run demo', test: 'npm install && npm test' } as const;
/** What a command has printed when it is in the middle of its work. */
const middle = { demo: /Dear/, test: /✓/ } as const;
const limitMs = { demo: 10 * 60_000, test: 20 * 60_000 } as const;
const ordinaryName = 'draftwire-fresh';

const isQuick = process.argv.includes('--quick');
const root = fileURLToPath(new URL('../../', import.meta.url));
const work = mkdtempSync(path.join(os.tmpdir(), 'draftwire-fresh-'));
const ourId = { uid: os.userInfo().uid, gid: os.userInfo().gid };
const say = (text: string) => process.stdout.write(`${text}\n`);

/** The PATH of a shell that npm did not start. */
const plainPath = (process.env['PATH'] ?? '')
  .split(':')
  .filter((folder) => !folder.includes('node_modules') && !folder.includes('node-gyp-bin'))
  .join(':');

function users(): User[] {
  if (ourId.uid !== 0) {
    say('skip  root: this run is not root');
    return [{ ...ourId, name: 'ordinary user' }];
  }
  const idOf = (flag: string) =>
    Number(execFileSync('id', [flag, ordinaryName], { stdio: ['ignore', 'pipe', 'ignore'] }).toString());
  try {
    idOf('-u');
  } catch {
    // Not there yet.
    execFileSync('useradd', ['--no-create-home', ordinaryName]);
  }
  return [
    { ...ourId, name: 'root' },
    { uid: idOf('-u'), gid: idOf('-g'), name: 'ordinary user' },
  ];
}

function toolchains(): Toolchain[] {
  const found: Toolchain[] = [];
  const tools = path.join(work, 'tools');
  mkdirSync(tools, { mode: 0o755 });
  const own = execFileSync('node', ['--version'], { env: { ...process.env, PATH: plainPath } })
    .toString()
    .trim();
  if (own.startsWith('v20.')) {
    execFileSync('npm', ['install', '--prefix', tools, '--no-audit', '--no-fund', '--loglevel=error', 'npm@10'], {
      env: { ...process.env, PATH: plainPath },
    });
    found.push({ name: `node ${own}, npm 10`, folders: [path.join(tools, 'node_modules/.bin')] });
  } else {
    say(`skip  node 20: this machine's own is ${own}`);
  }
  // A copy, because not everybody may enter the folder of this checkout.
  const bin = path.join(work, 'node24');
  mkdirSync(bin, { mode: 0o755 });
  copyFileSync(process.execPath, path.join(bin, 'node'));
  chmodSync(path.join(bin, 'node'), 0o755);
  found.push({ name: `node ${process.version}, npm ${execFileSync('npm', ['--version']).toString().trim()}`, folders: [bin] });
  return found;
}

/** One empty home with a clone in it, for one user and toolchain; nobody else may enter. */
class Home {
  private readonly home: string;
  private readonly checkout: string;
  private readonly log;

  private readonly user: User;
  private readonly tools: Toolchain;

  // Node runs this file as it is: it strips types, so properties cannot be parameters.
  constructor(user: User, tools: Toolchain, index: number) {
    this.user = user;
    this.tools = tools;
    this.home = path.join(work, `home-${index}`);
    this.checkout = path.join(this.home, 'draftwire');
    this.log = createWriteStream(path.join(work, `home-${index}.log`));
    mkdirSync(this.home);
    execFileSync('git', ['clone', '--quiet', '--no-hardlinks', root, this.checkout]);
    if (ourId.uid === 0) execFileSync('chown', ['-R', `${user.uid}:${user.gid}`, this.home]);
    chmodSync(this.home, 0o700);
  }

  /** Runs a command to its end, or kills its whole group once it is in the middle; resolves with what came of it. */
  run(name: keyof typeof commands, isKilled: boolean): Promise<{ isRight: boolean; said: string; seconds: number }> {
    const { uid, gid } = this.user;
    const begun = performance.now();
    const child = spawn('bash', ['-c', commands[name]], {
      cwd: this.checkout,
      detached: true,
      stdio: ['ignore', 'pipe', 'pipe'],
      ...(ourId.uid === 0 && { uid, gid }),
      env: {
        HOME: this.home,
        LANG: 'C.UTF-8',
        PATH: [...this.tools.folders, plainPath].join(':'),
        ...Object.fromEntries(
          Object.entries(process.env).filter(([key]) => /^(https?_proxy|no_proxy|NODE_EXTRA_CA_CERTS)$/i.test(key)),
        ),
      },
    });
    const kill = () => {
      try {
        process.kill(-(child.pid ?? 0), 'SIGKILL');
      } catch {
        // It has just ended by itself.
      }
    };
    const limit = setTimeout(kill, limitMs[name]);
    let output = '';
    let wasKilled = false;
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding('utf8').on('data', (text: string) => {
        this.log.write(text);
        output += text;
        if (!isKilled || wasKilled || !middle[name].test(output)) return;
        wasKilled = true;
        kill();
      });
    }
    const { promise, resolve } = Promise.withResolvers<{ isRight: boolean; said: string; seconds: number }>();
    // Not `close`: what a killed command leaves behind may still hold its output.
    child.once('exit', (code, signal) => {
      clearTimeout(limit);
      const last = output.trimEnd().split('\n').slice(-25).join('\n');
      resolve({
        isRight: isKilled ? wasKilled : code === 0,
        said: `exit ${code ?? signal}\n${last}`,
        seconds: Math.round((performance.now() - begun) / 1_000),
      });
      child.stdout.destroy();
      child.stderr.destroy();
    });
    return promise;
  }

  remove(): void {
    this.log.end();
    rmSync(this.home, { recursive: true, force: true, maxRetries: 5, retryDelay: 500 });
  }
}

let failures = 0;
let index = 0;
chmodSync(work, 0o711);
try {
  const people = users();
  for (const tools of toolchains()) {
    for (const user of people) {
      const home = new Home(user, tools, (index += 1));
      for (const name of isQuick ? (['demo'] as const) : (['demo', 'test'] as const)) {
        for (const [situation, isKilled] of [
          ['in an empty folder', false],
          ['killed in the middle', true],
          ['right after the kill', false],
        ] as const) {
          const { isRight, said, seconds } = await home.run(name, isKilled);
          if (!isRight) failures += 1;
          say(
            `${isRight ? 'ok   ' : 'FAIL '} ${tools.name} · ${user.name} · home 0700 · ${commands[name]} · ${situation} · ${seconds} s`,
          );
          if (!isRight) say(said.replaceAll(/^/gm, '      '));
        }
      }
      home.remove();
    }
  }
} finally {
  if (failures === 0) rmSync(work, { recursive: true, force: true });
  else say(`the whole output is in ${work}`);
}
process.exitCode = failures === 0 ? 0 : 1;
