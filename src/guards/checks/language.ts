import { isObject } from '../../kernel/object.ts';
import { checkOf } from '../check.ts';
import { languageNamed, languages, type Language } from '../languages.ts';
import { textsAt } from '../personal.ts';

/** Fewer words than this tell no language. */
const leastWords = 30;
/** Another language is certain when its small words are so many times those of the one that was asked for. */
const certainty = 3;

/**
 * Whether the text is in the language that a variable names (`variable: language`) or that is fixed (`is: English`). A light decision: languages with a
 * script of their own by the letters, those with Latin letters by their most frequent small words. It fails only what is certain: short
 * texts, languages it does not know and pairs as close as Danish and Norwegian pass.
 */
export const language = checkOf('language', read, ({ text, variables }, { variable, is }) => {
  const named = is ?? textsAt(variables, (variable ?? '').split('.'))[0];
  const wanted = named === undefined ? null : languageNamed(named);
  if (!wanted || isIn(text, wanted)) return null;
  return `write it in ${wanted.name}`;
});

function isIn(text: string, wanted: Language): boolean {
  const words = text.toLowerCase().match(/\p{L}+/gu) ?? [];
  const letters = words.join('');
  if (letters.length < leastWords * 3) return true;
  if (wanted.script) return countOf(letters, wanted.script) * 2 > letters.length;
  if (countOf(letters, /\p{Script=Latin}/gu) * 2 < letters.length) return false;
  if (words.length < leastWords) return true;
  const own = smallWordsIn(words, wanted);
  const others = languages.filter(({ group }) => group !== wanted.group).map((other) => smallWordsIn(words, other));
  return Math.max(0, ...others) < Math.max(own * certainty, words.length / 10);
}

function countOf(text: string, pattern: RegExp): number {
  return text.match(pattern)?.join('').length ?? 0;
}

function smallWordsIn(words: readonly string[], { smallWords }: Language): number {
  return words.filter((word) => smallWords.has(word)).length;
}

function read(settings: unknown): { readonly variable?: string; readonly is?: string } | string {
  const [[name, value] = [], ...rest] = isObject(settings) ? Object.entries(settings) : [];
  if (rest.length === 0 && typeof value === 'string') {
    if (name === 'variable' && /^[A-Za-z][\w.]*$/.test(value)) return { variable: value };
    if (name === 'is' && languageNamed(value)) return { is: value };
  }
  return 'must have either `variable`, which names the variable with the language, or `is`, a language that is known';
}
