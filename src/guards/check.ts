import { withoutInvisible } from './strip.ts';

/** What a text is checked with beside the settings. */
export interface Subject {
  readonly text: string;
  readonly variables: Readonly<Record<string, unknown>>;
}

/**
 * Looks on while a text comes, in pieces: each begins where the one before ended and ends before white space, so that no word is in two of them. Gives
 * what is wrong as soon as nothing that may follow can mend it. Linear in the length of the text.
 */
export type Watch = (piece: string) => string | null;

/** One thing that a text written by a model must be, or must not. */
export interface Check {
  /** Its name below `guards` in template.yaml. */
  readonly id: string;
  /** What is wrong with its settings; null when nothing is. */
  settingsProblem(settings: unknown): string | null;
  /** What is wrong with a text, as an order to the model that writes it anew; null when nothing is. Linear in the length of the text. */
  fault(subject: Subject, settings: unknown): string | null;
  /** Looks for it while a text comes; null where only the whole text tells. */
  watch(settings: unknown, variables: Subject['variables']): Watch | null;
}

/** A check whose settings have been read by its own `read`, which answers with what is wrong with them as a text. */
export function checkOf<T extends object>(
  id: string,
  read: (settings: unknown) => T | string,
  fault: (subject: Subject, settings: T) => string | null,
  watch: (settings: T, variables: Subject['variables']) => Watch | null = () => null,
): Check {
  return {
    id,
    settingsProblem(settings) {
      const known = read(settings);
      return typeof known === 'string' ? known : null;
    },
    fault(subject, settings) {
      const known = read(settings);
      // Written by a later build, which knows more settings: not this one's to judge.
      return typeof known === 'string' ? null : fault(subject, known);
    },
    watch(settings, variables) {
      const known = read(settings);
      return typeof known === 'string' ? null : watch(known, variables);
    },
  };
}

/** A list of texts of 1 to `longest` characters, at most `most` of them; else null. */
export function textsOf(value: unknown, most: number, longest = 200): readonly string[] | null {
  if (!Array.isArray(value) || value.length > most) return null;
  const isText = (item: unknown): item is string => typeof item === 'string' && item.trim() !== '' && item.length <= longest;
  return value.every(isText) ? value : null;
}

/** Text as phrases are compared: any case, any white space, plain quotes and hyphens, nothing that nobody sees. */
export function plain(text: string): string {
  return withoutInvisible(text)
    .normalize('NFKC')
    .toLowerCase()
    .replaceAll(/[\u2018\u2019\u02bc]/g, "'")
    .replaceAll(/[\u201c\u201d]/g, '"')
    .replaceAll(/[\u2010-\u2015]/g, '-')
    .replaceAll(/\s+/g, ' ')
    .trim();
}

/** Whether a plain text holds a plain phrase at `from` or behind it, as whole words where it has words. */
export function holds(text: string, phrase: string, from = 0): boolean {
  for (let at = text.indexOf(phrase, from); at >= 0; at = text.indexOf(phrase, at + 1)) {
    const isStart = !isWord(phrase[0]) || !isWord(text[at - 1]);
    const isEnd = !isWord(phrase.at(-1)) || !isWord(text[at + phrase.length]);
    if (isStart && isEnd) return true;
  }
  return false;
}

/** Letters of scripts with spaces, and digits: the others begin a word anywhere. */
function isWord(unit: string | undefined): boolean {
  return unit !== undefined && /[\p{Lu}\p{Ll}\p{N}]/u.test(unit);
}
