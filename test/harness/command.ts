import { spawn } from 'node:child_process';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { inject } from 'vitest';
import type { Env } from '../../src/config.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));

/** How a command ended, and what it said. */
export interface Said {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs a built command (`cli/demo.js`) to its end, with no environment but this. */
export function runCommand(name: string, args: readonly string[], env: Env): Promise<Said> {
  return run(path.join(root, 'dist', name), args, env);
}

/** Runs `npm run admin`, bundled, to its end, with no environment but this. */
export function runAdmin(args: readonly string[], env: Env): Promise<Said> {
  return run(path.join(inject('programs'), 'admin.mjs'), args, env);
}

function run(file: string, args: readonly string[], env: Env): Promise<Said> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [file, ...args], {
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { PATH: process.env['PATH'], ...env },
    });
    const said = { stdout: '', stderr: '' };
    child.stdout.setEncoding('utf8').on('data', (text: string) => void (said.stdout += text));
    child.stderr.setEncoding('utf8').on('data', (text: string) => void (said.stderr += text));
    child.once('error', reject);
    child.once('close', (code) => resolve({ code, ...said }));
  });
}
