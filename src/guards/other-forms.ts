import type { PersonalKind } from './kinds.ts';

const isoDate = /^(\d{4})-(\d{2})-(\d{2})$/;
/** How the languages of letters write a day with the name of its month. */
const locales = ['en-GB', 'en-US', 'de', 'fr', 'es', 'it', 'pt', 'nl', 'nb', 'sv', 'fi', 'pl', 'ja'];
const styles = ['long', 'medium'] as const;
let formats: readonly Intl.DateTimeFormat[] | null = null;

/** Ranges, as in all that every letter needs: V8 compiles the classes of Unicode for milliseconds. */
const unspaced = /^[\u3005\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af ]{2,10}$/;
/**
 * What else a detail in lower case may be written as, beside another case and other white space and letters without their marks: a day in
 * other orders and with the name of its month, and names of scripts without spaces with one or without.
 */
export function otherForms(kind: PersonalKind, form: string): string[] {
  if (kind === 'birth-date') return dates(form);
  return kind === 'name' && unspaced.test(form) ? spacings(form) : [];
}

function spacings(name: string): string[] {
  const bare = Array.from(name.replaceAll(' ', ''));
  return [
    bare.join(''),
    ...bare.slice(1).map((_, before) => `${bare.slice(0, before + 1).join('')} ${bare.slice(before + 1).join('')}`),
  ];
}

function dates(form: string): string[] {
  const [, year = '', month = '', day = ''] = isoDate.exec(form) ?? [];
  const date = new Date(`${form}T00:00:00Z`);
  if (year === '' || Number.isNaN(date.getTime())) return [];
  const [m, d] = [String(Number(month)), String(Number(day))];
  const parts = [
    [d, m],
    [day, month],
    [m, d],
    [month, day],
  ];
  const numbers = ['.', '/', '-'].flatMap((mark) =>
    parts.flatMap((each) => [[...each, year].join(mark), [...each, year.slice(2)].join(mark)]),
  );
  const spaced = parts.slice(0, 2).map(([first, second]) => `${first}. ${second}. ${year}`);
  formats ??= locales.flatMap((locale) =>
    styles.map((dateStyle) => new Intl.DateTimeFormat(locale, { dateStyle, timeZone: 'UTC' })),
  );
  const named = formats.map((format) => format.format(date).toLowerCase());
  const name = new Intl.DateTimeFormat('en', { month: 'long', timeZone: 'UTC' }).format(date).toLowerCase();
  const ordinal = `${d}${ordinalOf(Number(day))}`;
  const english = [
    `${ordinal} ${name} ${year}`,
    `${ordinal} of ${name} ${year}`,
    `${d} of ${name} ${year}`,
    `${name} ${ordinal}, ${year}`,
  ];
  return [...numbers, ...spaced, `${year}/${month}/${day}`, `${year}.${month}.${day}`, ...named, ...english];
}

function ordinalOf(day: number): string {
  const last = day % 10;
  if (last > 3 || last === 0 || (day > 10 && day < 14)) return 'th';
  return last === 1 ? 'st' : last === 2 ? 'nd' : 'rd';
}
