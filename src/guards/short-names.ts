import { givenNamesOf, isWord, type GivenName } from './given-names.ts';

/** A part of a name in a script that sets no space between words, and what must stand beside it. */
export interface ShortName {
  readonly form: string;
  /** A title behind it (`田中様`), one that a given name has (`太郎さん`), or no ideograph on either side. */
  readonly beside: 'title' | 'title-of-given' | 'no-ideograph';
  readonly isIn: GivenName['isIn'];
}

/** What short names are looked for in. */
export interface ShortNameText {
  readonly lower: string;
  readonly isJapanese: () => boolean;
}

const unspaced = /^[\u3005\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]{1,8}$/;
const ideographs = /^[\u3005\u3400-\u9fff]+$/;
const ideograph = /[\u3005\u3400-\u9fff]/;
const hangul = /^[\uac00-\ud7af]+$/;
const kana = /[\u3040-\u30ff]/;
const titles =
  /\s?(?:様|さま|さん|氏|君|くん|ちゃん|殿|先生|先輩|部長|課長|係長|社長|会長|専務|常務|教授|博士|弁護士|女士|太太|夫人|小姐|老师|老師|经理|經理|总|總|主管|律师|律師|同学|同學|医生|主任|씨|님|군|선생|교수|박사|과장|부장|대리|팀장)/y;
/** Before these a single ideograph is a surname whatever stands before it; before the others it may be the end of another name. */
const chineseTitles = /\s?(?:先生|女士|太太|小姐|老师|老師|教授|博士|经理|經理|总|總|律师|律師|同学|同學|医生|主任)/y;
/** Surnames that are words, too, and may be the end of one: `关于老师`. */
const functionWords = /[于於和向从從对對由为為]/;
/** A given name of one ideograph is a part of a word before the other titles (`元部長`, `大先生`). */
const closeTitles = /\s?(?:さん|さま|様|くん|ちゃん|女士)/y;
const likewise = /[一同]/;
/** What Korean has behind persons and not behind things, for the given names that are words (`지원`). */
const behindPersons = /이?(?:에게|께|한테)/y;

const titleBehind = new RegExp(String.raw`^(.*?)${titles.source}?${titles.source}님?$`);
/** Who reads applications, and nobody by name. */
const roles = /人事|採用|担当|招聘|人力|人资|人資|채용|인사팀|인사부|담당/;

const longestSurname = 3;
const longestTitled = 40;

/** Whether a word of these scripts is a title or an office, and nobody's name. */
export function isOffice(word: string): boolean {
  return word.length <= longestTitled && (roles.test(word) || titleBehind.exec(word)?.[1] === '');
}

/** A name in one of these scripts without the office before it and the title behind it (`人事部 山田太郎様`, `김철수 과장님`); null where there is none. */
export function withoutTitle(name: string): string | null {
  if (name.length > longestTitled) return null;
  const words = name.split(' ').filter((word) => !roles.test(word));
  const whole = words.join(' ');
  const bare = (titleBehind.exec(whole)?.[1] ?? whole).trim();
  return bare !== '' && bare !== name && bare.split(' ').every((part) => unspaced.test(part)) ? bare : null;
}

/** The surname and the given name, as far as they can be told, of a name in Chinese, Japanese or Korean; of others none. */
export function shortNamesOf(name: string): ShortName[] {
  const parts = name.split(' ');
  if (parts.length > 2 || isOffice(name) || !parts.every((part) => unspaced.test(part))) return [];
  const [first = '', second] = parts;
  if (second !== undefined) return parts.filter(({ length }) => length === 1).map((form) => short(form, 'title'));
  const surnames = Array.from({ length: Math.min(longestSurname, first.length - 1) }, (_, index) => first.slice(0, index + 1));
  const isKorean = hangul.test(first);
  const given = isKorean ? [first.slice(1), first.slice(2)].filter(({ length }) => length > 1) : [];
  const alone = ideographs.test(first)
    ? surnames.filter((form) => form.length > 1 && (first.length > longestSurname || !isWord(form)))
    : [];
  return [
    ...surnames.map((form) => short(form, 'title')),
    ...given.map((form) => short(form, 'title-of-given')),
    ...alone.map((form) => short(form, 'no-ideograph')),
    ...givenNamesOf(first).flatMap(({ form, isIn, isAlone }) => [
      short(form, 'title-of-given', isIn),
      ...(isAlone ? [short(form, 'no-ideograph', isIn)] : []),
    ]),
  ];
}

function short(form: string, beside: ShortName['beside'], isIn: ShortName['isIn'] = 'both'): ShortName {
  return { form, beside, isIn };
}

/** Whether what must stand beside it does. */
export function isShortName({ form, beside, isIn }: ShortName, text: ShortNameText, start: number, end: number): boolean {
  const { lower } = text;
  const before = lower.charAt(start - 1);
  // A prompt may be in both: a Chinese letter for a Japanese posting.
  if (isIn !== 'both' && (isIn === 'japanese') !== text.isJapanese())
    return beside === 'title-of-given' && form.length > 1 && fits(chineseTitles, lower, end);
  if (beside === 'no-ideograph') return !ideograph.test(before) && !ideograph.test(lower.charAt(end));
  if (hangul.test(form)) {
    const isBehind = fits(titles, lower, end) || (beside === 'title-of-given' && fits(behindPersons, lower, end));
    return isBehind && !hangul.test(before);
  }
  if (kana.test(form)) return !kana.test(before) && fits(titles, lower, end);
  const isInside = ideograph.test(before);
  if (beside === 'title-of-given')
    return form.length > 1
      ? fits(isInside ? chineseTitles : titles, lower, end)
      : !isInside && fits(closeTitles, lower, end) && !(likewise.test(form) && lower.charAt(end) === '様');
  if (form.length > 1 || !isInside) return fits(titles, lower, end);
  return !functionWords.test(form) && fits(chineseTitles, lower, end);
}

function fits(pattern: RegExp, text: string, at: number): boolean {
  pattern.lastIndex = at;
  return pattern.test(text);
}
