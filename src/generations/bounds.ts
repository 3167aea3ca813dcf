import { AppError } from '../kernel/errors.ts';

/** Throws INVALID_INPUT for a moment of the filter that the database cannot hold: RFC 3339 has a year 0 that Postgres has not, and an offset can lead beyond the year 9999. */
export function checkMoment(name: string, moment: Date | null | undefined): void {
  const year = moment?.getUTCFullYear() ?? 1;
  if (year < 1 || year > 9999)
    throw new AppError('INVALID_INPUT', `${name} is outside the years 1 to 9999`, { path: ['filter', name] });
}

/** Throws INVALID_INPUT for a number of the input that is outside of its bounds. */
export function checkRange(name: string, value: number, least: number, most: number): void {
  if (value < least || value > most)
    throw new AppError('INVALID_INPUT', `${name} is ${value}, not ${least} to ${most}`, { path: ['input', name] });
}
