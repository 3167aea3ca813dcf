import { AppError } from './errors.ts';

const longestName = 200;
const longestEmail = 254;

/** A name as it is kept: without spaces around it, 1 to 200 characters; INVALID_INPUT names the field. */
export function givenName(given: string, path: readonly string[], longest = longestName): string {
  const name = given.trim();
  const { length } = Array.from(name);
  if (length >= 1 && length <= longest) return name;
  throw new AppError('INVALID_INPUT', `a name has 1 to ${longest} characters, not ${length}`, { path });
}

/** A number within its bounds, where one is given; INVALID_INPUT names the field. */
export function checkRange(
  value: number | null | undefined,
  least: number,
  most: number,
  path: readonly (string | number)[],
): void {
  if (value == null || (value >= least && value <= most)) return;
  throw new AppError('INVALID_INPUT', `${path.at(-1)} is ${value}, not ${least} to ${most}`, { path });
}

/** A moment that the database can hold, where one is given: RFC 3339 has a year 0 that Postgres has not, and an offset can lead beyond the year 9999. INVALID_INPUT names the field. */
export function checkMoment(moment: Date | null | undefined, path: readonly string[]): void {
  const year = moment?.getUTCFullYear() ?? 1;
  if (year >= 1 && year <= 9999) return;
  throw new AppError('INVALID_INPUT', `${path.at(-1)} is outside the years 1 to 9999`, { path });
}

/** An address as it is kept: its letters are small; INVALID_INPUT names the field. */
export function givenEmail(given: string, path: readonly string[]): string {
  const email = given.trim().toLowerCase();
  if (email.length <= longestEmail && /^[^\s@]+@[^\s@]+$/.test(email)) return email;
  throw new AppError('INVALID_INPUT', 'this is no email address', { path });
}
