import { isIbanSum, isLuhn } from './checksums.ts';
import type { Detector, Found, PersonalKind } from './kinds.ts';
import { nationalIdDetector } from './national-ids.ts';

/** What is found by its form alone, in any text and any language. */
const detectors: readonly Detector[] = [
  { kind: 'email', find: findEmails },
  { kind: 'iban', find: findIbans },
  { kind: 'card', find: findCards },
  nationalIdDetector,
  { kind: 'birth-date', find: findBirthDates },
  { kind: 'phone', find: findPhones },
];

const localUnits = /[\p{L}\p{M}\p{N}.!#$%&'*+/=?^_`{|}~-]/u;
const domainUnits = /[\p{L}\p{M}\p{N}.-]/u;
/** RFC 5321: the most that may stand before and behind the `@`. */
const longestLocal = 64;
const longestDomain = 255;

/** Looks outward from each `@`: a pattern would begin anew at every letter of a long word. */
function findEmails(text: string): Found[] {
  const found: Found[] = [];
  for (let at = text.indexOf('@'); at >= 0; at = text.indexOf('@', at + 1)) {
    let start = at;
    while (start > 0 && at - start < longestLocal && localUnits.test(text[start - 1] ?? '')) start--;
    let end = at + 1;
    while (end < text.length && end - at <= longestDomain && domainUnits.test(text[end] ?? '')) end++;
    // What ends a sentence ends no address; quotes and slashes before it are none of it.
    end = at + 1 + text.slice(at + 1, end).replace(/[.-]+$/, '').length;
    start += /^[.'`/{|=&]*/.exec(text.slice(start, at))?.[0].length ?? 0;
    if (start < at && /^[^.].*\.[^.]{2,}$/u.test(text.slice(at + 1, end))) found.push({ kind: 'email', start, end });
  }
  return found;
}

/** How long IBANs are, by country (SWIFT's registry). */
const ibanLengths = new Map(
  (
    'AD24 AE23 AL28 AT20 AZ28 BA20 BE16 BG22 BH22 BI27 BR29 BY28 CH21 CR22 CY28 CZ24 DE22 DJ27 DK18 DO28 EE20 EG29 ES24 FI18 FK18 FO18 FR27 ' +
    'GB22 GE22 GI23 GL18 GR27 GT28 HN28 HR21 HU28 IE22 IL23 IQ23 IS26 IT27 JO30 KW30 KZ20 LB28 LC32 LI21 LT20 LU20 LV21 LY25 MC27 MD24 ME22 MK19 ' +
    'MN20 MR27 MT31 MU30 NI28 NL18 NO15 OM23 PK24 PL28 PS29 PT25 QA29 RO24 RS22 RU33 SA24 SC31 SD18 SE24 SI19 SK24 SM27 SO23 ST25 SV28 TL23 TN24 ' +
    'TR26 UA29 VA22 VG24 XK20 YE30'
  )
    .split(' ')
    .map((entry) => [entry.slice(0, 2), Number(entry.slice(2))]),
);

function findIbans(text: string): Found[] {
  return [...text.matchAll(/(?<![A-Za-z0-9])[A-Za-z]{2}\d{2}(?=[ -]?[A-Za-z0-9])/g)].flatMap(({ 0: head, index }): Found[] => {
    const length = ibanLengths.get(head.slice(0, 2).toUpperCase());
    if (length === undefined) return [];
    let bare = '';
    let end = index;
    for (; end < text.length && bare.length < length; end++) {
      const unit = text[end] ?? '';
      if (/[A-Za-z0-9]/.test(unit)) bare += unit.toUpperCase();
      else if (!/[ \u00a0-]/.test(unit) || !/[A-Za-z0-9]/.test(text[end + 1] ?? '')) break;
    }
    const isWhole = bare.length === length && !/[A-Za-z0-9]/.test(text[end] ?? '');
    return isWhole && isIbanSum(bare) ? [{ kind: 'iban', start: index, end }] : [];
  });
}

/** Digits with what people write between them. Nothing but digits and separators: it never has to be read twice. */
const numberPattern = /[+(]{0,2}\d(?:[ \u00a0().\-\u2010\u2011\u2012\u2013/]{0,3}\d)+/g;

interface Group {
  readonly digits: string;
  readonly start: number;
  readonly end: number;
}

function groupsOf(run: string, at: number): Group[] {
  return [...run.matchAll(/\d+/g)].map(({ 0: digits, index }) => ({
    digits,
    start: at + index,
    end: at + index + digits.length,
  }));
}

/** Groups of digits that make up a card number by their length, their first digits and their sum; several cards may stand in one run. */
function findCards(text: string): Found[] {
  return [...text.matchAll(/\d(?:[ \u00a0-]?\d){12,}/g)].flatMap(({ 0: run, index }) => {
    const groups = groupsOf(run, index);
    const found: Found[] = [];
    for (let first = 0; first < groups.length; first++) {
      const last = lastOfCard(groups, first);
      const [start, end] = [groups[first]?.start, groups[last]?.end];
      if (start === undefined || end === undefined) continue;
      found.push({ kind: 'card', start, end });
      first = last;
    }
    return found;
  });
}

/** The last of the groups from `first` on that make up a card number; -1 when none do. */
function lastOfCard(groups: readonly Group[], first: number): number {
  let digits = '';
  for (let last = first; last < groups.length; last++) {
    digits += groups[last]?.digits ?? '';
    if (digits.length > 19) break;
    if (digits.length >= 13 && /^(?:[3456]|2[2-7])/.test(digits) && !/^(\d)\1+$/.test(digits) && isLuhn(digits)) return last;
  }
  return -1;
}

const phoneLabel =
  /(?:\b(?:tel|telephone|phone|mobile|mob|cell|fax|telefon|telefono|teléfono|téléphone|portable|handy|mobil|tlf|whatsapp)\b|☎|📞)[^\p{L}\d\n]{0,8}$/iu;

const mostPhoneDigits = 15;

/** Stands between two numbers, where what stands within one is a single separator. */
const betweenNumbers = /[ \u00a0]+\/[ \u00a0]*|\/[ \u00a0]+|[ \u00a0]{2,}/;

/** One number, or the several that a run is which has more digits than a number. */
function numbersIn({ 0: run, index }: RegExpExecArray): { readonly run: string; readonly index: number }[] {
  if (run.replaceAll(/\D/g, '').length <= mostPhoneDigits) return [{ run, index }];
  let at = 0;
  return run.split(betweenNumbers).map((part) => {
    const start = run.indexOf(part, at);
    at = start + part.length;
    return { run: part, index: index + start };
  });
}

/**
 * Numbers to be called: international ones, national ones that begin with 0, the North American and the paired European forms, and any of six
 * digits or more behind a word for it. Years and amounts are none.
 */
function findPhones(text: string): Found[] {
  return [...text.matchAll(numberPattern)].flatMap(numbersIn).flatMap(({ run, index }): Found[] => {
    const digits = run.replaceAll(/\D/g, '');
    const before = text.slice(Math.max(0, index - 24), index);
    if (/[\p{L}\p{N}_]$/u.test(before)) return [];
    const isCalled =
      (digits.length >= 7 && digits.length <= mostPhoneDigits && /^[(]?(?:\+|00)/.test(run)) ||
      (digits.length >= 9 &&
        digits.length <= 12 &&
        /^[(]?0[1-9]/.test(run) &&
        !/^\(?\d{1,2}[./-](?:\d{1,2}[./-])?(?:19|20)\d{2}/.test(run)) ||
      /^\(?[2-9]\d{2}[)]?[ .-]{1,2}\d{3}[ .-]\d{4}$/.test(run) ||
      /^\d{2}(?: \d{2}){3,4}$/.test(run) ||
      (digits.length >= 6 && digits.length <= mostPhoneDigits && phoneLabel.test(before));
    return isCalled ? [{ kind: 'phone', start: index, end: index + run.length }] : [];
  });
}

const birthLabel =
  /\b(?:born|date[ _-]?of[ _-]?birth|birth[ _-]?dates?|birthday|d\.?o\.?b\b|geboren|geb\.|geburtsdatum|geburtstag|nacid[oa]|fecha de nacimiento|nat[oa] (?:il|a|nel)|data di nascita|data de nascimento|nascid[oa]|geboortedatum|urodzon[ya]|data urodzenia|syntynyt|syntymäaika)|(?<!\p{L})(?:née?|date de naissance|född|födelsedatum|født|fødselsdato|дата рождения|родил(?:ся|ась)|生年月日|出生日期)(?!\p{L})/giu;
const datePattern =
  /\d{4}[-./]\d{1,2}[-./]\d{1,2}|\d{1,2}[-./] ?\d{1,2}[-./] ?\d{2,4}|\d{1,2}(?:st|nd|rd|th|er|\.)?\s+(?:of\s+|de\s+)?\p{L}{3,12}\.?,?\s+(?:de\s+)?\d{4}|\p{L}{3,12}\.?\s+\d{1,2}(?:st|nd|rd|th)?,?\s+\d{4}|\d{4}年\d{1,2}月\d{1,2}日/u;

/** How far behind the word for birth its date is looked for. */
const birthWindow = 80;

/** Dates of birth: only those behind a word that says so, in a dozen languages; every other date is a fact of the letter. */
function findBirthDates(text: string): Found[] {
  return [...text.matchAll(birthLabel)].flatMap(({ 0: label, index }): Found[] => {
    const from = index + label.length;
    const window = text.slice(from, from + birthWindow).split('\n')[0] ?? '';
    const date = datePattern.exec(window);
    if (!date) return [];
    return [{ kind: 'birth-date', start: from + date.index, end: from + date.index + date[0].length }];
  });
}

/** Everything that is found by its form. */
export function detect(text: string): Found[] {
  return detectors.flatMap(({ find }) => find(text));
}

/** Kinds whose spelling leaves room: other separators between the same digits. */
export const numberKinds: ReadonlySet<PersonalKind> = new Set(['phone', 'card', 'iban', 'national-id']);
