import type { Folded } from './fold.ts';
import { isLetterOrNumber } from './letters.ts';

/**
 * Endings that a name may have behind it as languages decline it, in letters without marks. Which of them count is decided by how the name ends, and, but for
 * some sorts, by the text: only where a word that is no name has letters that others do not write. So of an English letter about `Mark` the `Marks` are masked, and neither
 * `Market` nor `Marka`, while a Polish one hides him in `Markiem` as well.
 */
interface Sort {
  /** What a text must have, in lower case, and with the flag `g` in a word that is no name; null where every text will do. */
  readonly isIn: RegExp | null;
  readonly endings: string;
}

const finnish =
  'n a ta lle lla lta ssa sta na ksi tta t an en in on un yn han hen hin hon hun hyn kin nkin lleni llekin nko ko kaan kaen nsa nne';
const finnishLetters = /ää|öö|yy|y[äö]|[äö]y/g;
const hungarianLetters = /[őű]/g;
const estonian = 'le lt l st s ks ga ni na ta t d sse';
/** Portuguese has an `e` behind it. */
const estonianLetters = /õ(?!e)/g;
const slavicLetters = /[ąćčďđęěłńňřśšťůźżžľĺŕ]/g;
const sorts = {
  /** `Foxes`, `Maxens`. */
  hissing: { isIn: null, endings: 'es ens' },
  /** `Kowalskiego`. */
  ski: { isIn: null, endings: 'ego emu m mi ch' },
  skiStem: {
    isIn: null,
    endings: 'i y a e o ej ou u iego iemu im ym ho iej ich ych imi ymi ie eho emu em',
  },
  slavicShort: { isIn: slavicLetters, endings: 'a u owi ovi em iem om ow ov ova ove ovou owie owa' },
  slavic: {
    isIn: slavicLetters,
    endings:
      'a u e i y o ou owi ovi em iem om um ie ze zie ii ej iu ow ov uv ova ovo ove ovou owie owa owej ami ach ech ich im ovia',
  },
  slavicAdjective: { isIn: slavicLetters, endings: 'ego ho mu emu m ch mi eho em ym ymi ych a e ou ej' },
  slavicSoft: { isIn: slavicLetters, endings: 'ce cie dze dzie rze se' },
  cyrillic: {
    isIn: /[а-яіїє]/,
    endings:
      'а у ом ем е ы и ой ей ою ею ью я ю ию ии ией ием ия ов ев ам ами ах ям ями ях ым ых ыми им их ими ого его ому ему ая яя ую юю ое ые ие ' +
      'і ї ові еві єві єм єю єї ії ію ією ова ово овы ові',
  },
  greek: { isIn: /[α-ω]/, endings: 'ου ο ε η α ω υ ι ασ ησ οσ ωσ ισ εσ ων οι ουσ' },
  finnish: { isIn: finnishLetters, endings: finnish },
  /** Names that end with a consonant have an `i` before it. */
  finnishConsonant: {
    isIn: finnishLetters,
    endings: finnish
      .split(' ')
      .map((ending) => `i${ending}`)
      .join(' '),
  },
  finnishNen: { isIn: finnishLetters, endings: 'sen sta selle sella selta sessa sesta seen sena seksi set sten sille sia' },
  turkish: {
    isIn: /[ğş]/g,
    endings:
      'nin nun in un e a ye ya i u yi yu ni nu ne na de da te ta den dan ten tan nden ndan nde nda le la yle yla ler lar lere lara lerin larin im um',
  },
  /** Behind a back vowel there is no `e`, but in the few that have no other. */
  hungarianBack: {
    isIn: hungarianLetters,
    endings:
      'nak t at ot val hoz tol rol ban ba bol ra ig ert e ek nal on kent ul bal cal dal gal kal lal mal nal pal ral sal tal zal',
  },
  hungarian: {
    isIn: hungarianLetters,
    endings: 'nek et vel hez ben be bol re nel en ot bel cel del gel kel lel mel pel rel sel tel zel',
  },
  /** Behind what is left of a name: Latvian and Lithuanian ones always have an ending. */
  baltic: {
    isIn: /[āēīģķļņėįų]/g,
    endings: 'a am im u i os us iem ie ai as e es ei o ui io iui iu y aus umi au oje eje',
  },
  estonian: { isIn: estonianLetters, endings: estonian },
  /** Names that end with a consonant have a vowel before it; `Market` is no `Mark`. */
  estonianConsonant: {
    isIn: estonianLetters,
    endings: Array.from('aeiu', (vowel) => ['', ...estonian.split(' ')].map((ending) => vowel + ending))
      .flat()
      .filter((ending) => !/^e[dst]$/.test(ending))
      .join(' '),
  },
  romanian: { isIn: /[ățţ]/g, endings: 'ei ii i' },
  icelandic: { isIn: /[ðþ]/g, endings: 'ar s i u a ur yni' },
} as const satisfies Record<string, Sort>;

type SortName = keyof typeof sorts;

const names = Object.keys(sorts) as SortName[];
const bitOf = Object.fromEntries(names.map((name, index) => [name, 2 ** index])) as Record<SortName, number>;
/** The sorts that have an ending, as a sum of bits. */
const sortsOf = new Map<string, number>();
for (const name of names)
  for (const ending of sorts[name].endings.split(' ')) sortsOf.set(ending, (sortsOf.get(ending) ?? 0) | bitOf[name]);

/** No ending is longer. */
export const longestEnding = Math.max(...Array.from(sortsOf.keys(), ({ length }) => length));

/** The sorts that any text may have, and those that the letters of a language bring. */
const bitsBy = new Map<RegExp | null, number>();
for (const name of names) bitsBy.set(sorts[name].isIn, (bitsBy.get(sorts[name].isIn) ?? 0) | bitOf[name]);

/** Letters of the languages that are met least, all in one pattern: most texts have none. */
const seldom = /[ðõþāēīģķļņėįųățţ]/;
const seldomSorts: ReadonlySet<RegExp | null> = new Set([
  sorts.baltic.isIn,
  estonianLetters,
  sorts.romanian.isIn,
  sorts.icelandic.isIn,
]);

/** Longer words are not looked through for how they begin. */
const longestWord = 30;

/** The sorts of endings that count in a text, as a sum of bits. */
export function endingsIn(text: Folded): number {
  let bits = bitsBy.get(null) ?? 0;
  if (text.isPlain) return bits;
  const isSeldom = seldom.test(text.lower);
  for (const [isIn, own] of bitsBy) {
    if (!isSeldom && seldomSorts.has(isIn)) continue;
    if (isIn?.global === true ? isWrittenIn(isIn, text) : isIn?.test(text.lower) === true) bits |= own;
  }
  return bits;
}

/** Whether a word has these letters that does not begin with a capital: foreign names have them in every language. */
function isWrittenIn(letters: RegExp, { text, lower }: Folded): boolean {
  letters.lastIndex = 0;
  for (let match = letters.exec(lower); match; match = letters.exec(lower)) {
    let start = match.index;
    while (match.index - start < longestWord && isLetterOrNumber(text, start - 1)) start--;
    if (text.charCodeAt(start) === lower.charCodeAt(start)) return true;
  }
  return false;
}

/** Whether an ending is one of these sorts. */
export function isEnding(ending: string, bits: number): boolean {
  return ((sortsOf.get(ending) ?? 0) & bits) !== 0;
}

/** What a name may be cut to, with an ending that must follow. */
export interface Stem {
  readonly form: string;
  readonly endings: number;
}

/** At least so many letters of a name stay. */
const leastStem = 3;
const longestName = 32;

/** How a name is declined that is read as these letters, in texts with some sorts of endings: which it may have, and what it is cut to before others. */
export function declined(form: string, inTexts: number): { readonly endings: number; readonly stems: readonly Stem[] } {
  const isLatin = /[a-z]$/.test(form);
  if (form.length < leastStem || form.length > longestName || !(isLatin || /[\u0370-\u045f]$/.test(form)))
    return { endings: 0, stems: [] };
  const stems: Stem[] = [];
  for (const { pattern, stem, endings } of rules) {
    if ((endings & inTexts) === 0 || !pattern.test(form)) continue;
    const cut = form.replace(pattern, stem);
    if (cut.length >= leastStem) stems.push({ form: cut, endings });
  }
  const own = isLatin ? latin(form) : /[бвгджзклмнпрстфхцчшщь]$/.test(form) ? bitOf.cyrillic : 0;
  return { endings: own & inTexts, stems };
}

function latin(form: string): number {
  const isVowel = /[aeiouy]$/.test(form);
  const isShort = form.length === leastStem;
  let bits = 0;
  if (/(?:[sxz]|[cs]h)$/.test(form)) bits |= bitOf.hissing;
  if (/[scz]k[iy]$/.test(form)) bits |= bitOf.ski;
  if (/[iy]$/.test(form)) bits |= bitOf.slavicAdjective;
  if (!isVowel) bits |= isShort ? bitOf.slavicShort : bitOf.slavic;
  if (!isVowel) bits |= bitOf.icelandic;
  if (isShort) return bits;
  bits |= isVowel ? bitOf.estonian : bitOf.estonianConsonant;
  bits |= (isVowel ? bitOf.finnish : bitOf.finnishConsonant) | bitOf.turkish | bitOf.hungarianBack;
  return /a[^aeiouy]*$/.test(form) ? bits : bits | bitOf.hungarian;
}

interface Rule {
  readonly pattern: RegExp;
  readonly stem: string;
  readonly endings: number;
}

/** What goes from the end of a name before endings of some sort. */
const rules: readonly Rule[] = [
  { pattern: /([scz]k)[iya]$/, stem: '$1', endings: bitOf.skiStem },
  { pattern: /[aeo]$/, stem: '', endings: bitOf.slavic },
  { pattern: /y$/, stem: '', endings: bitOf.slavic | bitOf.slavicAdjective },
  // `Karel`, `Marek`: the vowel goes.
  { pattern: /([bcdfghjklmnprstvwz])e([cklnrt])$/, stem: '$1$2', endings: bitOf.slavic },
  // `Agnieszce`, `Marcie`, `Robercie`, `Barbarze`.
  { pattern: /(?:[kgtdhr]a|[td])$/, stem: '', endings: bitOf.slavicSoft },
  { pattern: /([бвгджзклмнпрстфхцчш])[ео]([клнрц])$/, stem: '$1$2', endings: bitOf.cyrillic },
  { pattern: /(?:[ыио]й|[аяйьо])$/, stem: '', endings: bitOf.cyrillic },
  { pattern: /й$/, stem: '', endings: bitOf.cyrillic },
  { pattern: /(?:ουσ|οσ|ησ|ασ|ισ|εσ|ου|α|η|ω|ι|ο)$/, stem: '', endings: bitOf.greek },
  { pattern: /nen$/, stem: '', endings: bitOf.finnishNen },
  // `Pekan`, `Niemen`.
  { pattern: /([kpt])\1([aouyie])$/, stem: '$1$2', endings: bitOf.finnish },
  { pattern: /i$/, stem: 'e', endings: bitOf.finnish },
  { pattern: /k$/, stem: 'g', endings: bitOf.turkish },
  ...gradations(),
  // `Tuomaan`, `Markuksen`, `Rinteen`.
  { pattern: /([ai])s$/, stem: '$1$1', endings: bitOf.finnish },
  { pattern: /([aeiou])s$/, stem: '$1kse', endings: bitOf.finnish },
  { pattern: /ngas$/, stem: 'nkaa', endings: bitOf.finnish },
  { pattern: /([lnr])\1e$/, stem: '$1tee', endings: bitOf.finnish },
  { pattern: /e$/, stem: 'ee', endings: bitOf.finnish },
  { pattern: /(?:[aiuy]?s|[ae])$/, stem: '', endings: bitOf.baltic },
  // `Sepa`, `Rebase`.
  { pattern: /([kpt])\1$/, stem: '$1', endings: bitOf.estonianConsonant },
  { pattern: /ne$/, stem: 's', endings: bitOf.estonianConsonant },
  { pattern: /a$/, stem: '', endings: bitOf.romanian },
  // `Björnsdóttur`, `Jónssyni`, `Bjarna`; `Önnu`.
  { pattern: /(?:ur|ir|on|[ai])$/, stem: '', endings: bitOf.icelandic },
  { pattern: /a([^aeiouy]+)a$/, stem: 'o$1', endings: bitOf.icelandic },
  { pattern: /^лев$/, stem: 'льв', endings: bitOf.cyrillic },
];

/** How Finnish weakens a consonant before the last vowel, which is no `e` but may become one: `Lahden`, `Rannan`, `Lammen`, `Mäen`, `Kurjen`. */
function gradations(): Rule[] {
  const weak = [
    ['([aeiouyh])t', '$1d'],
    ['([lnr])t', '$1$1'],
    ['mp', 'mm'],
    ['([aeiouylr])p', '$1v'],
    ['nk', 'ng'],
    ['([aeiouylr])k', '$1'],
  ] as const;
  const own = weak.flatMap(([strong, stem]): Rule[] => {
    const vowel = `$${/\(/.test(strong) ? 2 : 1}`;
    return [
      { pattern: new RegExp(`${strong}([aiouy])$`), stem: stem + vowel, endings: bitOf.finnish },
      { pattern: new RegExp(`${strong}i$`), stem: `${stem}e`, endings: bitOf.finnish },
    ];
  });
  return [...own, { pattern: /([lr])ki$/, stem: '$1je', endings: bitOf.finnish }];
}
