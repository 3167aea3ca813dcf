import { LRUCache } from 'lru-cache';
import nunjucks from 'nunjucks';
import { changedAt, Fence, untrustedPaths, withRule, type Mark } from '../guards/fence.ts';
import { textsAt } from '../guards/personal.ts';
import { withoutInvisible } from '../guards/strip.ts';
import type { PromptMessage } from '../providers/port.ts';
import { filters } from './filters.ts';
import { canonicalJson, type TemplateSource, type Variables } from './source.ts';

/** What a template writes by itself, and what it asks a model to write. */
export interface Rendering {
  /** Plain text: no trailing spaces, at most one blank line in a row, one newline at the end. */
  readonly draft: string;
  /** System messages first. */
  readonly messages: readonly PromptMessage[];
}

export interface CompiledTemplate {
  /**
   * Takes what `checkVariables` returned; throws TemplateFault where the template, not the caller, is wrong. What its schema calls untrusted stands
   * between fences in the messages, wherever the template prints it; `mark` makes their words.
   */
  render(variables: Variables, mark: Mark): Rendering;
}

/** What a template is compiled from. */
type Compilable = Pick<TemplateSource, 'contentHash' | 'draftSource' | 'promptSource' | 'variablesSchema'>;

export type TemplateFile = 'draft.njk' | 'prompt.njk';

/** A fault of a template's author. */
export class TemplateFault extends Error {
  override readonly name = 'TemplateFault';

  constructor(
    readonly file: TemplateFile,
    /** From 1; null where the language does not say. */
    readonly line: number | null,
    readonly reason: string,
    options?: ErrorOptions,
  ) {
    super(`${file}${line === null ? '' : `:${line}`}: ${reason}`, options);
  }
}

// No loader: a template sees its variables and our filters, no other file.
const environment = new nunjucks.Environment([], {
  autoescape: false,
  throwOnUndefined: true,
  trimBlocks: true,
  lstripBlocks: true,
});
for (const [name, filter] of Object.entries(filters)) environment.addFilter(name, filter);

/** Whether drafts and prompts can use a filter of this name. */
export function hasFilter(name: string): boolean {
  try {
    return typeof environment.getFilter(name) === 'function';
  } catch {
    // nunjucks has no other way to ask than to throw.
    return false;
  }
}

const compiled = new LRUCache<string, CompiledTemplate>({ max: 500 });

/** Compiles both files; the same content is compiled once. Throws TemplateFault. */
export function compileTemplate(source: Compilable): CompiledTemplate {
  const known = compiled.get(source.contentHash);
  if (known) return known;
  const draft = compile('draft.njk', source.draftSource);
  const sections = splitPrompt(source.promptSource).map(({ role, source: section }) => ({
    role,
    write: compile('prompt.njk', section),
    // What prints nothing and asks nothing is the same whatever the variables are.
    ...(!/\{\{|\{%/.test(section) && { isStable: true }),
  }));
  const untrusted = untrustedPaths(source.variablesSchema);
  // A draft that may print what is untrusted is so itself.
  const isDraftUntrusted = untrusted.some(([name = '']) => new RegExp(String.raw`\b${name}\b`).test(source.draftSource));
  const template: CompiledTemplate = {
    render(variables, mark) {
      const facts = tidied(variables) as Variables;
      const text = letter(draft(facts));
      const write = (shown: Variables, shownDraft: string): PromptMessage[] => {
        const context = { ...shown, variables: shown, draft: shownDraft };
        return sections.map(({ write: writeSection, ...section }) => ({
          ...section,
          content: withoutInvisible(normalised(writeSection(context))),
        }));
      };
      if (untrusted.length === 0) return { draft: text, messages: write(facts, text) };
      if (!untrusted.some((path) => textsAt(facts, path).some((each) => each !== '')))
        return { draft: text, messages: withRule(write(facts, text)) };
      const fence = new Fence(canonicalJson(facts), mark);
      const around = (inner: string): string => fence.around(inner);
      const fenced = untrusted.reduce((all, path) => changedAt(all, path, around) as Variables, facts);
      return { draft: text, messages: fence.told(write(fenced, isDraftUntrusted ? around(text) : text)) };
    },
  };
  compiled.set(source.contentHash, template);
  return template;
}

/** One section of a prompt file; its source is padded so that its lines keep their numbers. */
export interface PromptSection {
  readonly role: 'system' | 'user';
  readonly source: string;
}

/**
 * A prompt file is sections, each after a line `--- system` or `--- user`. The file is split before anything is rendered, so no value can open a
 * section of its own.
 */
export function splitPrompt(source: string): PromptSection[] {
  const sections: { role: PromptSection['role']; lines: string[] }[] = [];
  source.split('\n').forEach((line, index) => {
    const marker = /^---\s*(\S*)\s*$/.exec(line);
    const role = marker?.[1];
    const section = sections.at(-1);
    if (role === 'system' || role === 'user') {
      if (role === 'system' && sections.some((other) => other.role === 'user'))
        throw new TemplateFault('prompt.njk', index + 1, 'system sections come first');
      sections.push({ role, lines: Array<string>(index + 1).fill('') });
    } else if (marker) throw new TemplateFault('prompt.njk', index + 1, `a section is --- system or --- user, not ${line}`);
    else if (section) section.lines.push(line);
    else if (line.trim() !== '') throw new TemplateFault('prompt.njk', index + 1, 'text before the first section');
  });
  if (sections.at(-1)?.role !== 'user') throw new TemplateFault('prompt.njk', null, 'the prompt has no user section');
  return sections.map(({ role, lines }) => ({ role, source: lines.join('\n') }));
}

function compile(file: TemplateFile, source: string): (context: object) => string {
  // Where a tag is never closed the parser names no line: it has read all of them.
  const lastLine = source.trimEnd().split('\n').length;
  const template = attempt(file, lastLine, () => new nunjucks.Template(source, environment, file, true));
  return (context) => attempt(file, null, () => template.render(context));
}

function attempt<T>(file: TemplateFile, otherwise: number | null, work: () => T): T {
  try {
    return work();
  } catch (error) {
    // nunjucks says where only inside its message: "(draft.njk) [Line 3, Column 9]\n  reason".
    const { message } = error as Error;
    const line = /\[Line (\d+)/.exec(message)?.[1];
    throw new TemplateFault(file, line === undefined ? otherwise : Number(line), message.split('\n').at(-1)?.trim() ?? message, {
      cause: error,
    });
  }
}

/** A copy without prototypes whose texts have no stray white space, so that none gets into a sentence. */
function tidied(value: unknown): unknown {
  if (typeof value === 'string')
    return value
      .replace(/\r\n?/g, '\n')
      .replace(/[ \t]+/g, ' ')
      .trim();
  if (Array.isArray(value)) return value.map(tidied);
  if (typeof value !== 'object' || value === null) return value;
  const copy = Object.create(null) as Record<string, unknown>;
  for (const [name, part] of Object.entries(value)) copy[name] = tidied(part);
  return copy;
}

function normalised(text: string): string {
  return text
    .replace(/[ \t]+$/gm, '')
    .replace(/\n{3,}/g, '\n\n')
    .trim();
}

/** A value may end with a stop ("Acme Inc.") where the sentence has its own. */
function letter(text: string): string {
  return `${normalised(text).replace(/(?<!\.)\.\.(?!\.)/g, '.')}\n`;
}
