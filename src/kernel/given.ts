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

/** An address as it is kept: its letters are small; INVALID_INPUT names the field. */
export function givenEmail(given: string, path: readonly string[]): string {
  const email = given.trim().toLowerCase();
  if (email.length <= longestEmail && /^[^\s@]+@[^\s@]+$/.test(email)) return email;
  throw new AppError('INVALID_INPUT', 'this is no email address', { path });
}
