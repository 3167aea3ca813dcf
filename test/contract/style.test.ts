import { describe, expect, it } from 'vitest';
import { readSources, type Source } from '../harness/sources.ts';

// What the linter has no rule for.

const sources = readSources();
/** Written by a generator. */
const generated = ['client/operations.ts'];
const written = sources.filter(({ name }) => !generated.includes(name));

/** The code without comments and the contents of strings. */
const codeOf = ({ text }: Source) =>
  text
    .replaceAll(/\/\*[\s\S]*?\*\//g, '')
    .replaceAll(/^\s*\/\/.*$/gm, '')
    .replaceAll(/'(?:[^'\\\n]|\\.)*'/g, "''");

const offenders = (pattern: RegExp, among: readonly Source[] = written) =>
  among.flatMap((source) => (codeOf(source).match(pattern) ?? []).map((found) => `${source.name}: ${found.trim()}`));

describe('style', () => {
  it('has files that fit a screen or two', () => {
    const lengths = written.map(({ name, text }) => ({ name, lines: text.split('\n').length - 1 }));
    const long = lengths.filter(({ lines }) => lines > 250);

    expect(lengths.filter(({ lines }) => lines > 360)).toEqual([]);
    // Seldom above 250: fewer than one in twelve.
    expect(long.length, JSON.stringify(long)).toBeLessThan(written.length / 12);
  });

  it('knows no enum of TypeScript, no namespace, no default export, no I before a name', () => {
    expect(offenders(/^\s*(?:export )?(?:declare )?(?:const )?enum \w+/gm)).toEqual([]);
    expect(offenders(/^\s*(?:export )?(?:declare )?namespace \w+/gm)).toEqual([]);
    expect(offenders(/^export default\b.*/gm)).toEqual([]);
    expect(offenders(/\b(?:interface|type|class) I[A-Z]\w*/g)).toEqual([]);
  });

  it('has no file that only passes on what others export', () => {
    const barrels = written.filter((source) => {
      const statements = codeOf(source)
        .split(/;\s*$/m)
        .map((each) => each.trim())
        .filter((each) => each !== '');
      return statements.every((each) => /^export\s[\s\S]*\bfrom ''$/.test(each));
    });

    expect(barrels.map(({ name }) => name)).toEqual([]);
    expect(offenders(/^export \*.*/gm)).toEqual([]);
  });

  it('has no folder or file named after nothing', () => {
    expect(
      sources
        .map(({ name }) => name)
        .filter((name) => /(^|\/)(utils?|helpers?|managers?|common|misc|index)(\.ts$|\/)/.test(name)),
    ).toEqual([]);
  });

  it('reads the environment, takes signals and ends the process only where a process begins', () => {
    const elsewhere = written.filter(({ name }) => name !== 'main.ts' && !name.startsWith('cli/'));
    const whole = elsewhere.filter(
      ({ imports, text }) =>
        imports.some(({ to }) => to === 'node:process') && /import (?:\* as )?\w+ from 'node:process'/.test(text),
    );
    const taken = elsewhere.flatMap(({ name, text }) =>
      [...text.matchAll(/import \{([^}]*)\} from 'node:process'/g)]
        .flatMap(([, names = '']) => names.split(','))
        .map((each) => each.trim().split(' as ')[0] ?? '')
        // Facts about the process and signals to others; never its environment, its exit or its own signals.
        .filter((each) => !['geteuid', 'kill', 'pid', 'platform', 'arch'].includes(each))
        .map((each) => `${name}: ${each}`),
    );

    expect(whole.map(({ name }) => name)).toEqual([]);
    expect(taken).toEqual([]);
    expect(offenders(/\bprocess\.(?!process\b)\w+/g, elsewhere)).toEqual([]);
  });

  it('says of every export what it promises', () => {
    // The files whose names are read by others most: ports, tables, kernel.
    const ports = written.filter(({ name }) => /^kernel\/|\/port\.ts$|\.service\.ts$/.test(name));
    const bare = ports.flatMap(({ name, text }) =>
      [...text.matchAll(/(^.*\n)^export (?:abstract |async )?(?:class|interface|function) (\w+)/gm)]
        .filter(([, before = '']) => !/\*\/\s*$|^@|^\}\)\s*$/.test(before))
        .map(([, , exported]) => `${name}: ${exported}`),
    );

    expect(bare).toEqual([]);
  });
});
