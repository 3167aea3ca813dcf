import { addressDetector } from './addresses.ts';
import { cardDetector } from './cards.ts';
import { isIbanSum } from './checksums.ts';
import { handleDetector } from './handles.ts';
import type { Detector, Found, PersonalKind } from './kinds.ts';
import { nationalIdDetector } from './national-ids.ts';
import { phoneDetector } from './phones.ts';
import { everyMatch, scanned, type Scanned } from './scan.ts';

/** What is found by its form alone, in any text and any language. */
const detectors: readonly Detector[] = [
  { kind: 'email', find: findEmails },
  { kind: 'iban', find: findIbans },
  cardDetector,
  nationalIdDetector,
  { kind: 'birth-date', find: findBirthDates },
  phoneDetector,
  addressDetector,
  handleDetector,
];

const localUnits = /[\p{L}\p{M}\p{N}.!#$%&'*+/=?^_`{|}~-]/u;
const domainUnits = /[\p{L}\p{M}\p{Nd}.-]/u;
/** RFC 5321: the most that may stand before and behind the `@`. */
const longestLocal = 64;
const longestDomain = 255;

/** Looks outward from each `@`: a pattern would begin anew at every letter of a long word. */
function findEmails({ text }: Scanned): Found[] {
  const found: Found[] = [];
  for (let at = text.indexOf('@'); at >= 0; at = text.indexOf('@', at + 1)) {
    // `example.org/@name` is a page.
    if (text[at - 1] === '/') continue;
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

function findIbans({ text }: Scanned): Found[] {
  return everyMatch(/(?<![A-Za-z0-9])[A-Za-z]{2}\d{2}(?=[ -]?[A-Za-z0-9])/g, text).flatMap(({ 0: head, index }): Found[] => {
    const length = ibanLengths.get(head.slice(0, 2).toUpperCase());
    if (length === undefined) return [];
    let bare = '';
    let end = index;
    for (; end < text.length && bare.length < length; end++) {
      const unit = text[end] ?? '';
      if (/[A-Za-z0-9]/.test(unit)) bare += unit.toUpperCase();
      else if (!/[ -]/.test(unit) || !/[A-Za-z0-9]/.test(text[end + 1] ?? '')) break;
    }
    const isWhole = bare.length === length && !/[A-Za-z0-9]/.test(text[end] ?? '');
    return isWhole && isIbanSum(bare) ? [{ kind: 'iban', start: index, end }] : [];
  });
}

/* Both for text in lower case, without the classes of Unicode: those take V8 milliseconds to compile. */
const birthLabel =
  /(?<![a-zß-\u052f\d_])(?:born|date[ _-]?of[ _-]?birth|birth[ _-]?dates?|birthday|d\.?o\.?b(?![a-z])|geboren|geb\.|geburtsdatum|geburtstag|nacid[oa]|fecha de nacimiento|nat[oa] (?:il|a|nel)|data di nascita|data de nascimento|nascid[oa]|geboortedatum|urodzon[ya]|data urodzenia|syntynyt|syntymäaika|(?:née?|date de naissance|född|födelsedatum|født|fødselsdato|дата рождения|родил(?:ся|ась))(?![a-zß-\u052f]))|生年月日|出生日期/g;
const datePattern =
  /\d{4}[-./]\d{1,2}[-./]\d{1,2}|\d{1,2}[-./] ?\d{1,2}[-./] ?\d{2,4}|\d{1,2}(?:st|nd|rd|th|er|\.)?\s+(?:of\s+|de\s+)?[a-zß-\u052f]{3,12}\.?,?\s+(?:de\s+)?\d{4}|[a-zß-\u052f]{3,12}\.?\s+\d{1,2}(?:st|nd|rd|th)?,?\s+\d{4}|\d{4}年\d{1,2}月\d{1,2}日/;

/** How far behind the word for birth its date is looked for. */
const birthWindow = 80;

/** Dates of birth: only those behind a word that says so, in a dozen languages; every other date is a fact of the letter. */
function findBirthDates({ lower }: Scanned): Found[] {
  return everyMatch(birthLabel, lower).flatMap(({ 0: label, index }): Found[] => {
    const from = index + label.length;
    const window = lower.slice(from, from + birthWindow).split('\n')[0] ?? '';
    const date = datePattern.exec(window);
    if (!date) return [];
    return [{ kind: 'birth-date', start: from + date.index, end: from + date.index + date[0].length }];
  });
}

/** Everything that is found by its form, in units of the text itself. */
export function detect(text: string, looked: Scanned = scanned(text)): Found[] {
  return detectors.flatMap(({ find }) => find(looked)).map(({ kind, start, end }) => ({ kind, ...looked.back(start, end) }));
}

/** Kinds whose spelling leaves room: other separators between the same digits. */
export const numberKinds: ReadonlySet<PersonalKind> = new Set(['phone', 'card', 'iban', 'national-id']);
