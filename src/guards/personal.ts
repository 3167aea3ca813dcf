import { isObject } from '../kernel/object.ts';
import { personalKinds, type PersonalKind } from './kinds.ts';

/** Where the variables of a template hold a personal detail; `*` stands for every item of a list. */
export interface PersonalField {
  readonly path: readonly string[];
  readonly kind: PersonalKind;
}

/** The keyword of a variables schema that says of a string, or of a list of strings, which kind of personal detail it is. */
export const personalKeyword = 'x-personal';

/** Whether a value of the keyword names a kind. */
export function isPersonalKind(value: unknown): value is PersonalKind {
  return typeof value === 'string' && Object.hasOwn(personalKinds, value);
}

/** The fields of a variables schema that hold personal details: those it says so of, and every one whose format is `email`. */
export function personalFields(schema: Readonly<Record<string, unknown>>, path: readonly string[] = []): PersonalField[] {
  const kind = schema[personalKeyword] ?? (schema['format'] === 'email' ? 'email' : null);
  const isList = isObject(schema['items']);
  const own: PersonalField[] = isPersonalKind(kind) ? [{ path: isList ? [...path, '*'] : path, kind }] : [];
  const items = isObject(schema['items']) ? personalFields(schema['items'], [...path, '*']) : [];
  const properties = isObject(schema['properties']) ? Object.entries(schema['properties']) : [];
  return [
    ...own,
    ...items,
    ...properties.flatMap(([name, property]) => (isObject(property) ? personalFields(property, [...path, name]) : [])),
  ];
}

/** What variables hold in a field; texts only. */
export function textsAt(value: unknown, path: readonly string[]): string[] {
  return valuesAt(value, path).filter((each) => typeof each === 'string');
}

/** What variables hold in a place. */
export function valuesAt(value: unknown, path: readonly string[]): unknown[] {
  const [step, ...rest] = path;
  if (step === undefined) return [value];
  if (step === '*') return Array.isArray(value) ? value.flatMap((item) => valuesAt(item, rest)) : [];
  return isObject(value) && Object.hasOwn(value, step) ? valuesAt(value[step], rest) : [];
}
