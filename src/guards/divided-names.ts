import { wordsOf } from './name-words.ts';
import { valuesAt, type PersonalField } from './personal.ts';

/** A name has no more fields. */
const mostFields = 3;

/** Names whose words stand in fields of their own, side by side (`firstName`, `lastName`), in the order of the fields and in the other one. */
export function dividedNames(fields: readonly PersonalField[], variables: unknown): string[][] {
  const names = fields.filter(({ path, kind }) => kind === 'name' && path.length > 0 && path.at(-1) !== '*');
  const places = Map.groupBy(names, ({ path }) => JSON.stringify(path.slice(0, -1)));
  return [...places.values()].flatMap((siblings) => {
    const parent = siblings[0]?.path.slice(0, -1) ?? [];
    if (siblings.length < 2 || siblings.length > mostFields) return [];
    return valuesAt(variables, parent).flatMap((person) => {
      const parts = siblings.flatMap(({ path }) => valuesAt(person, path.slice(-1))).filter((part) => typeof part === 'string');
      return isDivided(parts) ? [[parts.join(' '), parts.toReversed().join(' ')]] : [];
    });
  });
}

/** Whether these are parts of one name: two whole ones are two people. */
function isDivided(parts: readonly string[]): boolean {
  const counts = parts.map((part) => wordsOf(part).length).filter((count) => count > 0);
  return counts.length > 1 && counts.every((count) => count < 3) && counts.includes(1);
}
