import { LRUCache } from 'lru-cache';
import type { PromptMessage } from '../providers/port.ts';
import { detect } from './detectors.ts';
import { endingsIn } from './endings.ts';
import { personalKinds, type Found, type PersonalKind } from './kinds.ts';
import type { PersonalField } from './personal.ts';
import { isBeforeNumber } from './placeholders.ts';
import { Restorer } from './restore.ts';
import { scanned, type Scanned } from './scan.ts';
import { withoutInvisible } from './strip.ts';
import { findSpellings } from './find-spellings.ts';
import { spellingsOf } from './spellings.ts';

/** Messages without personal details, and how these come back. */
export interface Masked {
  readonly messages: readonly PromptMessage[];
  /** What stands for each placeholder. Never stored and never logged: the same prompt gives the same ones again. */
  readonly values: ReadonlyMap<string, string>;
  /** One for each text that is read; `isJson` when it is JSON. */
  restorer(isJson?: boolean): Restorer;
}

/**
 * Replaces personal details by placeholders: what the known fields of the variables hold, in any spelling, and what is found by its form. The
 * same detail has the same placeholder. A pure function: after a take-over the same prompt gives the same placeholders.
 *
 * Placeholders are plain words such as `PERSON_01`, not invented names: one that a model loses is seen at once, while an invented name would pass
 * for a real one in a letter. They are upper-case ASCII with a number of fixed width, so that none begins another, the genitive of a
 * name survives (`PERSON_01s`), and no case or tokeniser takes them apart. Their words give way where the prompt itself has such a word.
 */
export function mask(messages: readonly PromptMessage[], variables: unknown, fields: readonly PersonalField[]): Masked {
  const looked = messages.map(look);
  const endings = looked.reduce((bits, { endings: own }) => bits | own, 0);
  const spellings = spellingsOf(fields, variables, endings);
  const found = looked.map(({ text, found: detected }, index) =>
    merged([...findSpellings(text, spellings), ...detected], messages[index]?.content ?? ''),
  );
  const details = new Map<string, { kind: PersonalKind; value: string; placeholder: string }>();
  found.forEach((stretches, index) => {
    for (const { kind, start, end, value } of stretches) {
      const detail = { kind, value: value ?? messages[index]?.content.slice(start, end) ?? '', placeholder: '' };
      if (!details.has(keyOf(detail))) details.set(keyOf(detail), detail);
    }
  });
  const words = wordsFor(looked.map(({ text }) => withoutInvisible(text.lower)));
  const width = Math.max(2, String(details.size).length);
  [...details.values()].forEach((detail, index) => {
    detail.placeholder = `${words[detail.kind]}_${String(index + 1).padStart(width, '0')}`;
  });
  const values = new Map([...details.values()].map(({ placeholder, value }) => [placeholder, value]));
  const clean = messages.map((message, index) => {
    const stretches = found[index] ?? [];
    if (stretches.length === 0) return message;
    const { role, content } = message;
    return { role, content: replaced(content, stretches, (detail) => details.get(keyOf(detail))?.placeholder ?? '') };
  });
  return {
    messages: explained(clean, [...values.keys()]),
    values,
    restorer: (isJson = false) => new Restorer(values, { isJson }),
  };
}

/** A message as it is looked at, and what was found in it by its form. */
interface Looked {
  readonly text: Scanned;
  readonly found: readonly Found[];
  /** The sorts of endings that names may have in it. */
  readonly endings: number;
}

/** The parts of prompts that a template writes for every letter alike. */
const stable = new LRUCache<string, Looked>({
  max: 200,
  maxSize: 1_000_000,
  sizeCalculation: (_looked, { length }) => length + 1,
});

function look({ content, isStable }: PromptMessage): Looked {
  const known = isStable ? stable.get(content) : undefined;
  if (known) return known;
  const text = scanned(content);
  const looked = { text, found: detect(content, text), endings: endingsIn(text) };
  if (isStable) stable.set(content, looked);
  return looked;
}

const keyOf = ({ kind, value }: { readonly kind: PersonalKind; readonly value: string }): string => `${kind} ${value}`;

/** Stretches in order that do not overlap: of two the longer counts, and what one of them alone covers goes with it. */
function merged(found: readonly Found[], text: string): Found[] {
  const inOrder = found.toSorted(
    (a, b) => a.start - b.start || b.end - a.end || Number(a.value === undefined) - Number(b.value === undefined),
  );
  const whole: Found[] = [];
  for (const next of inOrder) {
    const last = whole.at(-1);
    if (!last || next.start >= last.end) whole.push(next);
    else if (next.end > last.end) {
      const { kind } = next.end - next.start > last.end - last.start ? next : last;
      whole[whole.length - 1] = { kind, start: last.start, end: next.end, value: text.slice(last.start, next.end) };
    }
  }
  return whole;
}

function replaced(
  text: string,
  found: readonly Found[],
  placeholderOf: (detail: { kind: PersonalKind; value: string }) => string,
): string {
  let masked = '';
  let at = 0;
  for (const { kind, start, end, value } of found) {
    masked += text.slice(at, start) + placeholderOf({ kind, value: value ?? text.slice(start, end) });
    at = end;
  }
  return masked + text.slice(at);
}

/** The words of the placeholders; longer ones where the prompt could be mistaken for holding one. */
function wordsFor(texts: readonly string[]): Readonly<Record<PersonalKind, string>> {
  const wordFor = (word: string): string => (texts.some((text) => isBeforeNumber(word, text)) ? wordFor(`${word}X`) : word);
  return Object.fromEntries(Object.entries(personalKinds).map(([kind, word]) => [kind, wordFor(word)])) as Record<
    PersonalKind,
    string
  >;
}

/** Tells the model what the placeholders are, at the end of the last system message. */
function explained(messages: readonly PromptMessage[], placeholders: readonly string[]): readonly PromptMessage[] {
  const [example] = placeholders;
  if (example === undefined) return messages;
  const note =
    `Words with a number such as ${example} stand for personal details that are kept from you. They are no gaps to fill: use each as you would use ` +
    'the detail itself, spelled exactly so. They are replaced by the details before anybody reads your text.';
  const last = messages.findLastIndex(({ role }) => role === 'system');
  if (last < 0) return [{ role: 'system', content: note }, ...messages];
  return messages.map((message, index) => (index === last ? { ...message, content: `${message.content}\n\n${note}` } : message));
}
