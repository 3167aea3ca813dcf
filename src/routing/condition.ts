import { LRUCache } from 'lru-cache';
import type { Facts } from './facts.ts';
import type { Reading } from './reading.ts';

const days = ['SUN', 'MON', 'TUE', 'WED', 'THU', 'FRI', 'SAT'] as const;
type Day = (typeof days)[number];
type Scalar = string | number | boolean;

/** A comparison of a fact with a value, or several of them. There are no patterns, so each is decided in time linear in its length. */
export type Condition =
  | { readonly all: readonly Condition[] }
  | { readonly any: readonly Condition[] }
  | { readonly not: Condition }
  | { readonly fact: string; readonly is: Scalar }
  | { readonly fact: string; readonly in: readonly Scalar[] }
  | { readonly fact: string; readonly startsWith: string }
  | { readonly fact: string; readonly atLeast: number }
  | { readonly fact: string; readonly below: number }
  | { readonly fact: string; readonly exists: boolean }
  | { readonly time: { readonly from: string; readonly until: string; readonly zone: string; readonly days: readonly Day[] } };

/** What conditions may look at. `metadata.` is followed by a key of `metadata`. */
const factNames = ['template', 'language', 'promptCharacters', 'maxOutputTokens', 'member'] as const;
const metadataPrefix = 'metadata.';
const comparisons = ['is', 'in', 'startsWith', 'atLeast', 'below', 'exists'] as const;
const fields = ['all', 'any', 'not', 'fact', ...comparisons, 'time'] as const;
const clockPattern = /^([01]\d|2[0-3]):[0-5]\d$/;

/** How deep conditions and routes may be nested. */
export const deepest = 8;
const mostEntries = 50;

/** The condition that a person wrote; INVALID_INPUT names what is wrong in it. */
export function readCondition(reading: Reading, depth = 1): Condition {
  if (depth > deepest) reading.refuse(`conditions may be ${deepest} levels deep`);
  const parts = reading.object(fields);
  const [kind, more] = (['all', 'any', 'not', 'fact', 'time'] as const).filter((name) => parts[name].isGiven);
  const given = comparisons.filter((name) => parts[name].isGiven);
  if (kind === undefined || more !== undefined || (kind === 'fact') !== (given.length === 1))
    return reading.refuse(`a condition is one of all, any, not, time, or a fact with one of ${comparisons.join(', ')}`);
  switch (kind) {
    case 'all':
      return { all: parts.all.list(1, mostEntries, (entry) => readCondition(entry, depth + 1)) };
    case 'any':
      return { any: parts.any.list(1, mostEntries, (entry) => readCondition(entry, depth + 1)) };
    case 'not':
      return { not: readCondition(parts.not, depth + 1) };
    case 'time':
      return { time: readTime(parts.time) };
    case 'fact':
      return readComparison(readFact(parts.fact), given[0] ?? 'is', parts[given[0] ?? 'is']);
    default:
      return kind satisfies never;
  }
}

/** Whether a condition holds. A fact that is not there fulfils none but `exists: false`, and `not` of the others. */
export function holds(condition: Condition, facts: Facts, now: Date): boolean {
  if ('all' in condition) return condition.all.every((each) => holds(each, facts, now));
  if ('any' in condition) return condition.any.some((each) => holds(each, facts, now));
  if ('not' in condition) return !holds(condition.not, facts, now);
  if ('time' in condition) return isWithin(condition.time, now);
  const fact = factOf(condition.fact, facts);
  if ('exists' in condition) return (fact !== null) === condition.exists;
  if (fact === null) return false;
  if ('is' in condition) return fact === condition.is;
  if ('in' in condition) return condition.in.includes(fact);
  if ('startsWith' in condition) return typeof fact === 'string' && fact.startsWith(condition.startsWith);
  if ('atLeast' in condition) return typeof fact === 'number' && fact >= condition.atLeast;
  return typeof fact === 'number' && fact < condition.below;
}

/** A fact by its name; null when it is not there or is no text, number or boolean. */
export function factOf(name: string, facts: Facts): Scalar | null {
  if (name.startsWith(metadataPrefix)) {
    const key = name.slice(metadataPrefix.length);
    const value = Object.hasOwn(facts.metadata, key) ? facts.metadata[key] : null;
    return typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean' ? value : null;
  }
  const known = factNames.find((each) => each === name);
  return known === undefined ? null : facts[known];
}

/** The name of a fact that a person wrote. */
export function readFact(reading: Reading): string {
  const name = reading.text();
  const isMetadata = name.startsWith(metadataPrefix) && name.length > metadataPrefix.length;
  const isKnown = isMetadata || factNames.some((each) => each === name);
  return isKnown ? name : reading.refuse(`there is no fact ${name}, only ${factNames.join(', ')} and ${metadataPrefix}<key>`);
}

function readComparison(fact: string, kind: (typeof comparisons)[number], value: Reading): Condition {
  switch (kind) {
    case 'is':
      return { fact, is: readScalar(value) };
    case 'in':
      return { fact, in: value.list(1, mostEntries, readScalar) };
    case 'startsWith':
      return { fact, startsWith: value.text() };
    case 'atLeast':
      return { fact, atLeast: value.number(-1e15, 1e15) };
    case 'below':
      return { fact, below: value.number(-1e15, 1e15) };
    case 'exists':
      return { fact, exists: value.boolean() };
    default:
      return kind satisfies never;
  }
}

function readScalar(reading: Reading): Scalar {
  const { value } = reading;
  if (typeof value === 'boolean') return value;
  return typeof value === 'number' ? reading.number(-1e15, 1e15) : reading.text();
}

function readTime(reading: Reading) {
  const { from, until, zone, days: given } = reading.object(['from', 'until', 'zone', 'days']);
  const clock = (at: Reading): string => {
    const text = at.text(5);
    return clockPattern.test(text) ? text : at.refuse('a time of day is needed here, like 08:30');
  };
  const name = zone.maybe((at) => at.text(60)) ?? 'UTC';
  try {
    formatOf(name);
  } catch {
    return zone.refuse('a time zone is needed here, like Europe/Berlin');
  }
  const on = given.maybe((at) => at.list(1, days.length, (day) => day.oneOf(days))) ?? days;
  return { from: clock(from), until: clock(until), zone: name, days: on };
}

/** From the minute `from` to before `until`, on these days; beyond midnight the day is the one on which it began. From a minute to the same one is a whole day. */
function isWithin({ from, until, zone, days: on }: Extract<Condition, { time: unknown }>['time'], now: Date): boolean {
  const parts = new Map(
    formatOf(zone)
      .formatToParts(now)
      .map(({ type, value }) => [type, value]),
  );
  const clock = `${parts.get('hour')}:${parts.get('minute')}`;
  const today = days.findIndex((day) => day === parts.get('weekday')?.toUpperCase());
  const isOn = (day: number): boolean => on.some((each) => each === days[(day + days.length) % days.length]);
  if (from < until) return isOn(today) && clock >= from && clock < until;
  return clock >= from ? isOn(today) : clock < until && isOn(today - 1);
}

/** Making one takes 50 us, and a zone may be written in any case. */
const formats = new LRUCache<string, Intl.DateTimeFormat>({ max: 200 });

/** Throws RangeError for a zone that is none. */
function formatOf(timeZone: string): Intl.DateTimeFormat {
  const known = formats.get(timeZone);
  if (known) return known;
  const options = { timeZone, hourCycle: 'h23', hour: '2-digit', minute: '2-digit', weekday: 'short' } as const;
  const format = new Intl.DateTimeFormat('en-US', options);
  formats.set(timeZone, format);
  return format;
}
