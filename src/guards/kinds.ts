import type { Scanned } from './scan.ts';

/** Kinds of personal details, and the word that begins the placeholders of each. */
export const personalKinds = {
  name: 'PERSON',
  email: 'EMAIL',
  phone: 'PHONE',
  address: 'ADDRESS',
  card: 'CARD',
  iban: 'IBAN',
  'national-id': 'IDNUMBER',
  'birth-date': 'BIRTHDATE',
  handle: 'HANDLE',
} as const;

export type PersonalKind = keyof typeof personalKinds;

/** A stretch of a text that must not leave, in UTF-16 code units; `value` is what stands for it in the end, the stretch itself when absent. */
export interface Found {
  readonly kind: PersonalKind;
  readonly start: number;
  readonly end: number;
  readonly value?: string;
}

/** Finds the details of one kind in a text, in time linear in its length; where they stand is told of the folded text. */
export interface Detector {
  readonly kind: PersonalKind;
  find(scanned: Scanned): Found[];
}
