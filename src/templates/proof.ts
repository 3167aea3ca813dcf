/** A flaw in a rendered text; `line` counts from 1. */
export interface TextFlaw {
  readonly line: number;
  readonly reason: string;
}

const anywhere: readonly (readonly [RegExp, string])[] = [
  [/\b(undefined|null|NaN)\b|\[object \w+\]/, 'a value that is missing'],
  [/\{\{|\}\}|\{%|%\}|\{#|#\}/, 'template syntax'],
];

const inLetters: readonly (readonly [RegExp, string])[] = [
  [/\S {2,}|\t/, 'double spaces'],
  [/ $/, 'a trailing space'],
  [/^[,;.!?]| [,;.!?]/, 'a space or nothing before a punctuation mark'],
  [/,\s*[,.;:!?]|;\s*[.;:!?]|:\s*[.,;!?]|[^.]\.\.(?!\.)/, 'two punctuation marks in a row'],
  [/\b(and|or|the|a|an|including|such as)[,.;:!?]/i, 'a dangling list or phrase'],
  [/\b(and|or) (and|or)\b/i, 'a dangling list or phrase'],
  [/\(\s*\)|""|''/, 'an empty pair'],
  [/\[[^\]]*\]|<[^>]*>|\b(TODO|TBD|lorem|XXX?)\b|_{3,}/i, 'a placeholder'],
  [/^[-*•]\s*$/, 'an empty list item'],
];

/** What shows that a text was written by a template: a draft without flaws can be sent as it is. */
export function letterFlaws(text: string): TextFlaw[] {
  const lines = text.split('\n');
  const flaws = find(lines, [...anywhere, ...inLetters]);
  lines.forEach((line, index) => {
    const isListAhead = (lines[index + 1] || lines[index + 2] || '') !== '';
    if (line.endsWith(':') && !isListAhead) flaws.push({ line: index + 1, reason: 'a colon before nothing' });
    if (line === '' && lines[index + 1] === '') flaws.push({ line: index + 1, reason: 'two blank lines in a row' });
  });
  if (!text.endsWith('\n') || text.trim() === '') flaws.push({ line: lines.length, reason: 'no text, or no newline at its end' });
  return flaws;
}

/** The flaws that a message for a model must not have; it may quote texts that are no letters. */
export function messageFlaws(text: string): TextFlaw[] {
  return find(text.split('\n'), anywhere.slice(1)).concat(
    find(text.split('\n'), [[/\bundefined\b|\[object \w+\]/, 'a value that is missing']]),
  );
}

function find(lines: readonly string[], rules: readonly (readonly [RegExp, string])[]): TextFlaw[] {
  return lines.flatMap((line, index) =>
    rules
      .filter(([pattern]) => pattern.test(line))
      .map(([pattern, what]) => ({ line: index + 1, reason: `${what}: ${excerpt(line, pattern)}` })),
  );
}

function excerpt(line: string, pattern: RegExp): string {
  const at = pattern.exec(line)?.index ?? 0;
  return JSON.stringify(line.slice(Math.max(0, at - 20), at + 40));
}
