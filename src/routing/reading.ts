import { AppError } from '../kernel/errors.ts';
import { isObject } from '../kernel/object.ts';

type Path = readonly (string | number)[];

/** Reads JSON that a person wrote: what does not fit is INVALID_INPUT with the path of it, and nothing is ignored in silence. */
export class Reading {
  constructor(
    readonly value: unknown,
    readonly path: Path,
  ) {}

  /** Throws INVALID_INPUT at this place. */
  refuse(reason: string): never {
    throw new AppError('INVALID_INPUT', reason, { path: this.path });
  }

  /** The fields of an object that has no others than these. */
  object<K extends string>(fields: readonly K[]): { readonly [F in K]: Reading } {
    const { value } = this;
    if (!isObject(value)) return this.refuse(`an object is needed here, with ${fields.join(', ')}`);
    const strange = Object.keys(value).find((key) => !(fields as readonly string[]).includes(key));
    if (strange !== undefined)
      this.at(strange).refuse(`there is no field ${strange.slice(0, 60)} here, only ${fields.join(', ')}`);
    return Object.fromEntries(fields.map((field) => [field, this.at(field)])) as { readonly [F in K]: Reading };
  }

  /** What `read` makes of each entry. */
  list<T>(least: number, most: number, read: (entry: Reading) => T): T[] {
    const { value } = this;
    if (!Array.isArray(value)) return this.refuse('a list is needed here');
    if (value.length < least || value.length > most)
      this.refuse(`${least} to ${most} entries are needed here, not ${value.length}`);
    return value.map((_, index) => read(this.at(index)));
  }

  text(longest = 200): string {
    const { value } = this;
    if (typeof value !== 'string' || value.length < 1 || value.length > longest)
      return this.refuse(`a text of 1 to ${longest} characters is needed here`);
    return value;
  }

  number(least: number, most: number): number {
    const { value } = this;
    if (typeof value !== 'number' || !(value >= least && value <= most))
      return this.refuse(`a number from ${least} to ${most} is needed here`);
    return value;
  }

  whole(least: number, most: number): number {
    const number = this.number(least, most);
    return Number.isInteger(number) ? number : this.refuse('a whole number is needed here');
  }

  boolean(): boolean {
    const { value } = this;
    return typeof value === 'boolean' ? value : this.refuse('true or false is needed here');
  }

  oneOf<T extends string>(words: readonly T[]): T {
    const found = words.find((word) => word === this.value);
    return found ?? this.refuse(`one of ${words.join(', ')} is needed here`);
  }

  /** What `read` makes of it; null where there is nothing. */
  maybe<T>(read: (self: Reading) => T): T | null {
    return this.isGiven ? read(this) : null;
  }

  get isGiven(): boolean {
    return this.value !== undefined && this.value !== null;
  }

  at(key: string | number): Reading {
    const { value } = this;
    const isOwn = typeof value === 'object' && value !== null && Object.hasOwn(value, key);
    return new Reading(isOwn ? (value as Record<string | number, unknown>)[key] : undefined, [...this.path, key]);
  }
}
