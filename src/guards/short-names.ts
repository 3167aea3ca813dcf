/** A part of a name in a script that sets no space between words, and what must stand beside it. */
export interface ShortName {
  readonly form: string;
  /** A title behind it (`田中様`); or no ideograph on either side. */
  readonly beside: 'title' | 'no-ideograph';
}

const unspaced = /^[\u3005\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]{1,8}$/;
const ideographs = /^[\u3005\u3400-\u9fff]+$/;
const ideograph = /[\u3005\u3400-\u9fff]/;
const hangul = /^[\uac00-\ud7af]+$/;
const kana = /[\u3040-\u30ff]/;
const titles =
  /\s?(?:様|さま|さん|氏|君|くん|ちゃん|殿|先生|先輩|部長|課長|社長|教授|博士|女士|小姐|老师|老師|经理|經理|总|總|同学|同學|医生|主任|씨|님|군|선생|교수|박사|과장|부장|대리|팀장)/y;
/** Before these a single ideograph is a surname whatever stands before it; before the others it may be the end of another name. */
const chineseTitles = /\s?(?:先生|女士|小姐|老师|老師|教授|博士|经理|經理|总|總|同学|同學|医生|主任)/y;

const longestSurname = 3;

/** The surname and the given name, as far as they can be told, of a name in Chinese, Japanese or Korean; of others none. */
export function shortNamesOf(name: string): ShortName[] {
  const parts = name.split(' ');
  if (parts.length > 2 || !parts.every((part) => unspaced.test(part))) return [];
  const [first = '', second] = parts;
  if (second !== undefined) return parts.filter(({ length }) => length === 1).map(titled);
  const surnames = Array.from({ length: Math.min(longestSurname, first.length - 1) }, (_, index) => first.slice(0, index + 1));
  const isKorean = hangul.test(first);
  const given = isKorean ? [first.slice(1), first.slice(2)].filter(({ length }) => length > 1) : [];
  const alone: ShortName[] =
    ideographs.test(first) && first.length > 2 ? [{ form: first.slice(0, 2), beside: 'no-ideograph' }] : [];
  return [...[...surnames, ...given].map(titled), ...alone];
}

function titled(form: string): ShortName {
  return { form, beside: 'title' };
}

/** Whether what must stand beside it does, in a text in lower case. */
export function isShortName({ form, beside }: ShortName, lower: string, start: number, end: number): boolean {
  const before = lower.charAt(start - 1);
  if (beside === 'no-ideograph') return !ideograph.test(before) && !ideograph.test(lower.charAt(end));
  if (hangul.test(form)) return !hangul.test(before) && fits(titles, lower, end);
  if (kana.test(form)) return !kana.test(before) && fits(titles, lower, end);
  return form.length === 1 && ideograph.test(before) ? fits(chineseTitles, lower, end) : fits(titles, lower, end);
}

function fits(pattern: RegExp, text: string, at: number): boolean {
  pattern.lastIndex = at;
  return pattern.test(text);
}
