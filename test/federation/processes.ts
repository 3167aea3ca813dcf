import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { once } from 'node:events';

export interface Running {
  /** What it printed so far, for the message of a failed test. */
  readonly output: readonly string[];
  /** The first match of the pattern in a line it prints, past or future. Rejects when it exits first. */
  says(pattern: RegExp): Promise<string>;
  /** Ends it politely; resolves with its exit code, or the signal that killed it. */
  stop(): Promise<number | string>;
}

const stopDeadlineMs = 20_000;

/** Runs a script with this Node and nothing of our environment but what programs need. */
export function run(
  script: string,
  args: readonly string[],
  options: { cwd: string; env?: Readonly<Record<string, string>> },
): Running {
  const { PATH = '', HOME = '' } = process.env;
  const child = spawn(process.execPath, [script, ...args], {
    cwd: options.cwd,
    env: { PATH, HOME, ...options.env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const output: string[] = [];
  const waiting = new Set<(line: string) => void>();
  for (const stream of [child.stdout, child.stderr]) {
    createInterface(stream).on('line', (line) => {
      output.push(line);
      for (const look of waiting) look(line);
    });
  }
  const exited = once(child, 'exit').then(([code, signal]) => (code ?? signal) as number | string);
  return {
    output,
    says: (pattern) =>
      new Promise((resolve, reject) => {
        const look = (line: string): void => {
          const match = pattern.exec(line);
          if (!match) return;
          waiting.delete(look);
          resolve(match[1] ?? match[0]);
        };
        waiting.add(look);
        for (const line of output) look(line);
        void exited.then((code) => reject(new Error(`${script} ended with ${code}:\n${output.join('\n')}`)));
      }),
    async stop() {
      if (child.exitCode === null && child.signalCode === null) child.kill('SIGTERM');
      const killer = setTimeout(() => child.kill('SIGKILL'), stopDeadlineMs);
      const code = await exited;
      clearTimeout(killer);
      return code;
    },
  };
}
