import { globSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import { alone } from '../harness/alone.ts';

// Files share the modules that a worker has loaded: whoever changes modules or the process, or weighs it, must not.

const root = fileURLToPath(new URL('../..', import.meta.url));
const demanding = /\bvi\.(?:mock|doMock|resetModules|stubGlobal)\(|\bmemoryUsage\(|\bprocess\.chdir\(/;

it('what mocks modules, or weighs the heap, has a process of its own, and nothing else', () => {
  const files = globSync('test/{api,contract,faults,unit}/**/*.test.ts', { cwd: root });
  expect(files.length).toBeGreaterThan(100);
  const found = files.filter((name) => demanding.test(readFileSync(`${root}/${name}`, 'utf8')));
  expect(found.toSorted()).toEqual(alone.toSorted());
});
