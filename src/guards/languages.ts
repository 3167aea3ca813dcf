/** A language as far as it can be told from others. */
export interface Language {
  readonly tag: string;
  readonly name: string;
  /** Languages of one group are not told apart. */
  readonly group: string;
  /** The letters it is written with; null for Latin ones. */
  readonly script: RegExp | null;
  /** Its most frequent small words, in lower case; empty where the script decides. */
  readonly smallWords: ReadonlySet<string>;
  /** Its names: in English, its own, and others people use. In lower case. */
  readonly names: readonly string[];
}

function latin(tag: string, name: string, names: string, smallWords: string, group = tag): Language {
  return {
    tag,
    name,
    group,
    script: null,
    smallWords: new Set(smallWords.split(' ')),
    names: [name.toLowerCase(), ...names.split(' ')],
  };
}

function scripted(tag: string, name: string, names: string, script: RegExp): Language {
  return { tag, name, group: tag, script, smallWords: new Set(), names: [name.toLowerCase(), ...names.split(' ')] };
}

/** The languages that can be told apart; one line adds one. */
export const languages: readonly Language[] = [
  latin(
    'en',
    'English',
    'englisch anglais inglés engelsk',
    'the and of to a in that is was for with as on are this have from at which you it not',
  ),
  latin(
    'de',
    'German',
    'deutsch allemand alemán tysk',
    'der die das und ich nicht mit sich auf für ist eine einen dem den bei zu als auch habe von im',
  ),
  latin(
    'fr',
    'French',
    'français francais französisch fransk',
    'le la les et des une que est pour dans qui je vous mon avec au sur ce par mes votre du',
  ),
  latin(
    'es',
    'Spanish',
    'español espanol castellano spanisch',
    'el la los las y que en un una por con para es mi su del como más pero se lo este',
  ),
  latin(
    'it',
    'Italian',
    'italiano italienisch italien',
    'il la di che e un una per con non sono del della mi le nel è ho alla come mio gli',
  ),
  latin(
    'pt',
    'Portuguese',
    'português portugues',
    'o a os as e que em um uma para com não do da na no minha meu por mais ao como',
  ),
  latin(
    'nl',
    'Dutch',
    'nederlands niederländisch',
    'de het een en van ik in dat met voor niet mijn op te zijn ook bij aan naar als deze heb',
  ),
  latin(
    'sv',
    'Swedish',
    'svenska schwedisch',
    'och att det som en på är av för med jag till den har inte om ett men var mig',
    'scandinavian',
  ),
  latin(
    'da',
    'Danish',
    'dansk dänisch',
    'og at det som en på er af for med jeg til den har ikke om et men var mig',
    'scandinavian',
  ),
  latin(
    'no',
    'Norwegian',
    'norsk bokmål norwegisch nb',
    'og at det som en på er av for med jeg til den har ikke om et men var meg',
    'scandinavian',
  ),
  latin(
    'fi',
    'Finnish',
    'suomi finnisch',
    'ja on että en hän oli se ei mutta olen kuin myös niin sekä minun joka ovat tai kanssa',
  ),
  latin('pl', 'Polish', 'polski polnisch', 'i w na z do się nie że to jest o jak po co za przez oraz od dla mnie jestem'),
  latin('cs', 'Czech', 'čeština cesky česky tschechisch', 'a v se na je že to s z do jsem pro ale jako za by při jsou které o'),
  latin('tr', 'Turkish', 'türkçe turkce türkisch', 've bir bu için ile da de çok olarak daha gibi kadar ben olan en her'),
  scripted('el', 'Greek', 'ελληνικά griechisch', /\p{Script=Greek}+/gu),
  scripted('ru', 'Russian', 'русский russisch', /\p{Script=Cyrillic}+/gu),
  scripted('uk', 'Ukrainian', 'українська', /\p{Script=Cyrillic}+/gu),
  scripted('bg', 'Bulgarian', 'български', /\p{Script=Cyrillic}+/gu),
  scripted('ar', 'Arabic', 'العربية arabisch', /\p{Script=Arabic}+/gu),
  scripted('fa', 'Persian', 'فارسی farsi', /\p{Script=Arabic}+/gu),
  scripted('he', 'Hebrew', 'עברית', /\p{Script=Hebrew}+/gu),
  scripted('hi', 'Hindi', 'हिन्दी', /\p{Script=Devanagari}+/gu),
  scripted('th', 'Thai', 'ไทย', /\p{Script=Thai}+/gu),
  scripted('ja', 'Japanese', '日本語 japanisch', /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}]+/gu),
  scripted('zh', 'Chinese', '中文 mandarin 简体中文 繁體中文', /\p{Script=Han}+/gu),
  scripted('ko', 'Korean', '한국어', /\p{Script=Hangul}+/gu),
];

/** The language that people call so, by name (`Norwegian`, `norsk`) or tag (`nb-NO`); null for one that is not known. */
export function languageNamed(named: string): Language | null {
  const wanted = named.trim().toLowerCase();
  const [first = ''] = wanted.split(/[\s(,/_-]/);
  const find = (name: string): Language | undefined => languages.find(({ tag, names }) => tag === name || names.includes(name));
  // `British English` names its language last.
  return find(wanted) ?? find(first) ?? find(wanted.split(/\s/).at(-1) ?? '') ?? null;
}
