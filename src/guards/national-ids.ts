import { isLuhn, isMod11And10, isWeighted } from './checksums.ts';
import type { Detector, Found } from './kinds.ts';
import { everyMatch } from './scan.ts';

/** One kind of number that a state gives its people. */
export interface NationalId {
  /** Country (ISO 3166) and the number's own name. */
  readonly id: string;
  /** Its shape; linear, at most 10 units longer than its digits on either side. */
  readonly pattern: RegExp;
  /** How many digits it has at least. */
  readonly digits: number;
  /** Whether it counts only behind its name. */
  readonly isNamed?: boolean;
  /** Whether letters and digits, without separators and in capitals, can be one; the shape is enough when absent. */
  readonly isValid?: (bare: string) => boolean;
}

/** The ids that are known. Those that are nothing but nine digits count only behind their name. */
export const nationalIds: readonly NationalId[] = [
  { id: 'US SSN', digits: 9, pattern: /(?<![\w-])(?!000|666|9)\d{3}([- ])(?!00)\d{2}\1(?!0000)\d{4}(?![\w-])/g },
  {
    id: 'US SSN, named',
    digits: 9,
    isNamed: true,
    pattern: /(?<=\b(?:SSN|social security(?: number| no\.?)?)["']?[:#\s]{1,4}["']?)(?!000|666|9)\d{9}(?!\w)/gi,
  },
  {
    id: 'GB NINO',
    digits: 6,
    pattern: /(?<!\w)(?!BG|GB|NK|KN|TN|NT|ZZ)[A-CEGHJ-PR-TW-Z][A-CEGHJ-NPR-TW-Z]([ -]?)\d{2}\1\d{2}\1\d{2}\1[A-D](?!\w)/gi,
  },
  { id: 'DE Steuer-ID', digits: 11, pattern: /(?<![\w.])[1-9]\d([ ]?)\d{3}\1\d{3}\1\d{3}(?!\w)/g, isValid: isMod11And10 },
  {
    id: 'FR NIR',
    digits: 13,
    pattern: /(?<!\w)[1-478] ?\d{2} ?(?:0[1-9]|1[0-2]|[2-9]\d) ?(?:\d{2}|2[AB]) ?\d{3} ?\d{3} ?\d{2}(?!\w)/gi,
    isValid: (bare) => {
      const number = BigInt(bare.slice(0, 13).replace('2A', '19').replace('2B', '18'));
      return 97n - (number % 97n) === BigInt(bare.slice(13));
    },
  },
  {
    id: 'CH AHV',
    digits: 13,
    pattern: /(?<!\w)756([. ]?)\d{4}\1\d{4}\1\d{2}(?!\w)/g,
    isValid: (bare) => isWeighted(bare, [1, 3, 1, 3, 1, 3, 1, 3, 1, 3, 1, 3, 1], 10),
  },
  {
    id: 'ES DNI and NIE',
    digits: 7,
    pattern: /(?<!\w)(?:\d{8}|[XYZ][ -]?\d{7})[ -]?[A-HJ-NP-TV-Z](?!\w)/gi,
    isValid: (bare) =>
      'TRWAGMYFPDXBNJZSQVHLCKE'[Number(bare.slice(0, -1).replace(/^[XYZ]/, (unit) => String('XYZ'.indexOf(unit)))) % 23] ===
      bare.at(-1),
  },
  { id: 'IT codice fiscale', digits: 7, pattern: /(?<!\w)[A-Z]{6}\d{2}[A-EHLMPRST]\d{2}[A-Z]\d{3}[A-Z](?!\w)/gi },
  {
    id: 'SE personnummer',
    digits: 10,
    pattern: /(?<!\w)(?:19|20)?\d{2}(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])[-+ ]\d{4}(?!\w)/g,
    isValid: (bare) => isLuhn(bare.slice(-10)),
  },
  {
    id: 'NO fødselsnummer',
    digits: 11,
    pattern: /(?<!\w)(?:0[1-9]|[12]\d|3[01])(?:0[1-9]|1[0-2])\d{2} ?\d{5}(?!\w)/g,
    isValid: (bare) =>
      isWeighted(bare, [3, 7, 6, 1, 8, 9, 4, 5, 2, 1], 11) && isWeighted(bare, [5, 4, 3, 2, 7, 6, 5, 4, 3, 2, 1], 11),
  },
  { id: 'DK CPR', digits: 10, pattern: /(?<!\w)(?:0[1-9]|[12]\d|3[01])(?:0[1-9]|1[0-2])\d{2}[- ]\d{4}(?!\w)/g },
  {
    id: 'FI henkilötunnus',
    digits: 9,
    pattern: /(?<!\w)(?:0[1-9]|[12]\d|3[01])(?:0[1-9]|1[0-2])\d{2}[-+A-FU-Y]\d{3}[0-9A-FHJ-NPR-Y](?!\w)/gi,
    isValid: (bare) => {
      const number = Number(bare.slice(0, 6) + bare.slice(-4, -1));
      return '0123456789ABCDEFHJKLMNPRSTUVWXY'[number % 31] === bare.at(-1);
    },
  },
  {
    id: 'NL BSN, named',
    digits: 9,
    isNamed: true,
    pattern: /(?<=\b(?:BSN|burgerservicenummer)["']?[:#\s]{1,4}["']?)\d{4}\.?\d{2}\.?\d{3}(?!\w)/gi,
    isValid: (bare) => isWeighted(bare, [9, 8, 7, 6, 5, 4, 3, 2, -1], 11),
  },
  {
    id: 'PL PESEL',
    digits: 11,
    pattern: /(?<!\w)\d{2}(?:[02468][1-9]|[13579][0-2])(?:0[1-9]|[12]\d|3[01])\d{5}(?!\w)/g,
    isValid: (bare) => isWeighted(bare, [1, 3, 7, 9, 1, 3, 7, 9, 1, 3, 1], 10),
  },
  {
    id: 'BR CPF',
    digits: 11,
    pattern: /(?<!\w)\d{3}\.\d{3}\.\d{3}-\d{2}(?!\w)/g,
    isValid: (bare) => isCpf(bare, 9) && isCpf(bare, 10),
  },
  { id: 'CA SIN', digits: 9, pattern: /(?<![\w-])[1-9]\d{2}([- ])\d{3}\1\d{3}(?![\w-])/g, isValid: isLuhn },
];

/** How far before and behind its digits an id may reach: its letters, or the name without which it does not count. */
const letters = 10;
const reach = 48;

/** Finds all ids of the list: only where digits stand close together, and only those that have no more of them. */
export const nationalIdDetector: Detector = {
  kind: 'national-id',
  find: ({ text, dense }) =>
    dense.flatMap((digits) =>
      nationalIds.flatMap(({ pattern, digits: least, isNamed = false, isValid }): Found[] => {
        if (least > digits.count) return [];
        const from = Math.max(0, digits.start - (isNamed ? reach : letters));
        const around = text.slice(from, digits.end + letters);
        return everyMatch(pattern, around).flatMap(({ 0: spelled, index }): Found[] => {
          const start = from + index;
          const end = start + spelled.length;
          if (start >= digits.end || end <= digits.start) return [];
          const isOne = isValid?.(spelled.replaceAll(/[^\p{L}\p{N}+]/gu, '').toUpperCase()) ?? true;
          return isOne ? [{ kind: 'national-id', start, end }] : [];
        });
      }),
    ),
};

function isCpf(bare: string, length: number): boolean {
  const sum = bare
    .slice(0, length)
    .split('')
    .reduce((total, digit, index) => total + Number(digit) * (length + 1 - index), 0);
  return ((sum * 10) % 11) % 10 === Number(bare[length]);
}
