import { isUtf8 } from 'node:buffer';
import { readdir, readFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { noGuards, readGuards, type TemplateGuards } from '../guards/guards.ts';
import { AppError } from '../kernel/errors.ts';
import { isObject } from '../kernel/object.ts';
import { letterFlaws, messageFlaws } from './proof.ts';
import { compileTemplate, splitPrompt, TemplateFault } from './render.ts';
import { outputFault, outputSchemaProblems, schemaProblems, type SchemaProblem } from './schema.ts';
import { sealed, templateKinds, type JsonSchema, type Sample, type TemplateSource } from './source.ts';
import { syntaxProblems } from './syntax.ts';
import { mostCacheSeconds } from '../tenants/tenant.service.ts';
import { cacheModes, type CacheMode } from '../tenants/tenants.table.ts';
import { failoverPolicies, type TemplateCache } from './templates.table.ts';
import { checkVariables } from './variables.ts';
import { parseYaml, type FileProblem, type YamlFile } from './yaml.ts';

/** What is in one folder of the library: a template, or why it is none. */
export interface ReadTemplate {
  readonly source: TemplateSource | null;
  readonly problems: readonly FileProblem[];
}

const fields = ['title', 'description', 'maxOutputTokens', 'failoverPolicy', 'guards', 'output', 'cache', 'variables'];
const namePattern = /^[a-z0-9]+(-[a-z0-9]+)*$/;

/**
 * Reads `<kind>/<name>/`: template.yaml, draft.njk, prompt.njk and samples/*.yaml. A template that comes back has a sound schema, compiles, and writes a
 * flawless draft for each of its samples. Problems name files from the library's folder down.
 */
export async function readTemplate(library: string, folder: string): Promise<ReadTemplate> {
  const problems: FileProblem[] = [];
  const [kind, name] = [dirname(folder), basename(folder)];
  const text = async (file: string) => {
    const path = join(folder, file);
    try {
      const content = decoded(await readFile(join(library, path)));
      // The same content has the same hash on a machine whose checkout ends lines with CR LF.
      if (content !== null) return content.replaceAll('\r\n', '\n');
      problems.push({ file: path, line: 1, reason: 'is not UTF-8' });
      return '';
    } catch (error) {
      problems.push({ file: path, line: 1, reason: `cannot be read: ${(error as NodeJS.ErrnoException).code ?? String(error)}` });
      return '';
    }
  };
  const about = parseYaml(join(folder, 'template.yaml'), await text('template.yaml'));
  const [draftSource, promptSource] = [await text('draft.njk'), await text('prompt.njk')];
  const samples = await readSamples(library, folder, text, problems);
  problems.push(...about.problems, ...samples.flatMap(({ yaml }) => yaml.problems));
  if (problems.length > 0) return { source: null, problems };

  problems.push(...aboutProblems(folder, about), ...samples.flatMap(sampleProblems));
  if (!namePattern.test(name)) problems.push({ file: folder, line: 1, reason: 'the name of a folder is made of a-z, 0-9 and -' });
  if (problems.length > 0) return { source: null, problems };

  const guards = readGuards(field(about, 'guards'));
  const source = sealed({
    slug: `${kind}-${name}`,
    kind: templateKinds.find((known) => known === kind) ?? templateKinds[0],
    title: String(field(about, 'title')),
    description: String(field(about, 'description')).trim(),
    variablesSchema: field(about, 'variables') as JsonSchema,
    samples: samples.map(({ yaml }) => yaml.value as Sample),
    draftSource,
    promptSource,
    maxOutputTokens: Number(field(about, 'maxOutputTokens')),
    failoverPolicy: failoverPolicies.find((policy) => policy === field(about, 'failoverPolicy')) ?? 'RESTART',
    guards: isReadable(guards) ? guards : noGuards,
    outputSchema: (field(about, 'output') ?? null) as JsonSchema | null,
    cache: cacheOf(field(about, 'cache')),
  });
  problems.push(...sourceProblems(folder, source));
  if (problems.length === 0) problems.push(...samples.flatMap((sample) => proofProblems(folder, source, sample)));
  return problems.length === 0 ? { source, problems } : { source: null, problems };
}

/** Without the mark that some editors begin a file with; null for bytes that are no text. */
function decoded(bytes: Buffer): string | null {
  return isUtf8(bytes) ? new TextDecoder().decode(bytes) : null;
}

interface SampleFile {
  readonly file: string;
  readonly yaml: YamlFile;
}

async function readSamples(
  library: string,
  folder: string,
  text: (file: string) => Promise<string>,
  problems: FileProblem[],
): Promise<SampleFile[]> {
  const names = await readdir(join(library, folder, 'samples')).catch((error: unknown) => {
    const { code } = error as NodeJS.ErrnoException;
    // A template without samples is reported with what it lacks.
    if (code !== 'ENOENT')
      problems.push({ file: join(folder, 'samples'), line: 1, reason: `cannot be read: ${code ?? String(error)}` });
    return [];
  });
  const files = names.filter((name) => name.endsWith('.yaml')).toSorted();
  return Promise.all(
    files.map(async (name) => {
      const file = join('samples', name);
      return { file: join(folder, file), yaml: parseYaml(join(folder, file), await text(file)) };
    }),
  );
}

function aboutProblems(folder: string, about: YamlFile): FileProblem[] {
  const file = join(folder, 'template.yaml');
  const value = about.value;
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    return [{ file, line: 1, reason: `must be a mapping of ${fields.join(', ')}` }];
  const checks: [string, boolean, string][] = [
    ['title', isText(field(about, 'title'), 80), 'must be a text of 1 to 80 characters'],
    ['description', isText(field(about, 'description'), 400), 'must be a text of 1 to 400 characters'],
    ['maxOutputTokens', isBetween(field(about, 'maxOutputTokens'), 1, 32_000), 'must be a whole number from 1 to 32000'],
    [
      'failoverPolicy',
      failoverPolicies.some((policy) => policy === field(about, 'failoverPolicy')),
      `must be one of ${failoverPolicies.join(', ')}`,
    ],
  ];
  const problemsAt = (name: string, problems: readonly SchemaProblem[]): FileProblem[] =>
    problems.map(({ path, reason }) => ({
      file,
      line: about.lineOf([name, ...path]),
      reason: `${[name, ...path].join('.')}: ${reason}`,
    }));
  return [
    ...Object.keys(value)
      .filter((name) => !fields.includes(name))
      .map((name) => ({ file, line: about.lineOf([name]), reason: `${name} is not a field of a template` })),
    ...checks
      .filter(([, isFine]) => !isFine)
      .map(([name, , reason]) => ({ file, line: about.lineOf([name]), reason: `${name} ${reason}` })),
    ...guardProblems(file, about),
    ...cacheProblems(file, about),
    ...problemsAt('variables', schemaProblems(field(about, 'variables'))),
    ...problemsAt('output', field(about, 'output') === undefined ? [] : outputSchemaProblems(field(about, 'output'))),
  ];
}

function guardProblems(file: string, about: YamlFile): FileProblem[] {
  const guards = readGuards(field(about, 'guards'));
  return isReadable(guards) ? [] : [{ file, line: about.lineOf(['guards', ...guards.path]), reason: guards.reason }];
}

function cacheProblems(file: string, about: YamlFile): FileProblem[] {
  const value = field(about, 'cache');
  if (value === undefined || value === null) return [];
  const problem = (path: readonly string[], reason: string): FileProblem[] => [
    { file, line: about.lineOf(['cache', ...path]), reason: `${['cache', ...path].join('.')} ${reason}` },
  ];
  if (!isObject(value)) return problem([], 'must be a mapping of mode and maxAgeSeconds');
  const strange = Object.keys(value).find((name) => name !== 'mode' && name !== 'maxAgeSeconds');
  if (strange !== undefined) return problem([strange], 'is nothing that a cache has: mode, maxAgeSeconds');
  const { mode, maxAgeSeconds = null } = value;
  if (!cacheModes.some((known) => known === mode)) return problem(['mode'], `must be one of ${cacheModes.join(', ')}`);
  if (maxAgeSeconds === null || isBetween(maxAgeSeconds, 1, mostCacheSeconds)) return [];
  return problem(['maxAgeSeconds'], `must be a whole number from 1 to ${mostCacheSeconds}`);
}

/** What `cacheProblems` has found nothing wrong with. */
function cacheOf(value: unknown): TemplateCache | null {
  if (!isObject(value)) return null;
  return { mode: value['mode'] as CacheMode, maxAgeSeconds: (value['maxAgeSeconds'] ?? null) as number | null };
}

function isReadable(guards: ReturnType<typeof readGuards>): guards is TemplateGuards {
  return !('reason' in guards);
}

function sampleProblems({ file, yaml }: SampleFile): FileProblem[] {
  const value = yaml.value as Record<string, unknown> | null;
  const names = typeof value === 'object' && value !== null ? Object.keys(value).toSorted() : [];
  if (names.join() === 'title,variables' && isText(value?.['title'], 80)) return [];
  return [{ file, line: 1, reason: 'a sample has a title of 1 to 80 characters and variables, nothing else' }];
}

function sourceProblems(folder: string, source: TemplateSource): FileProblem[] {
  const problems: FileProblem[] = [];
  if (source.samples.length < 3)
    problems.push({ file: join(folder, 'samples'), line: 1, reason: 'a template needs three samples' });
  try {
    compileTemplate(source);
  } catch (error) {
    return [...problems, faultOf(folder, error)];
  }
  const files = [
    { file: 'draft.njk', sources: [source.draftSource], builtIn: [] },
    {
      file: 'prompt.njk',
      sources: splitPrompt(source.promptSource).map((section) => section.source),
      builtIn: ['variables', 'draft'],
    },
  ];
  for (const { file, sources, builtIn } of files) {
    for (const text of sources) {
      problems.push(
        ...syntaxProblems(text, source.variablesSchema, builtIn).map((problem) => ({ file: join(folder, file), ...problem })),
      );
    }
  }
  return problems;
}

function proofProblems(folder: string, source: TemplateSource, { file, yaml }: SampleFile): FileProblem[] {
  try {
    const variables = checkVariables(source.variablesSchema, (yaml.value as Sample).variables);
    const { draft, messages } = compileTemplate(source).render(variables, () => 'proof');
    return [
      ...draftProblems(file, source, draft),
      ...messages.flatMap(({ role, content }) =>
        messageFlaws(content).map(({ line, reason }) => ({
          file,
          line: 1,
          reason: `its ${role} message has ${reason} in line ${line}`,
        })),
      ),
    ];
  } catch (error) {
    if (error instanceof AppError) return [{ file, line: yaml.lineOf(error.path?.slice(1) ?? []), reason: error.message }];
    const fault = faultOf(folder, error);
    return [{ ...fault, reason: `${fault.reason} (with ${basename(file)})` }];
  }
}

/** A draft can be sent as it is; that of a template with an output is what a model would have to write. */
function draftProblems(file: string, { outputSchema }: TemplateSource, draft: string): FileProblem[] {
  if (outputSchema === null)
    return letterFlaws(draft).map(({ line, reason }) => ({ file, line: 1, reason: `its draft has ${reason} in line ${line}` }));
  const fault = outputFault(outputSchema, draft);
  return fault === null ? [] : [{ file, line: 1, reason: `its draft does not fit the output: ${fault}` }];
}

function faultOf(folder: string, error: unknown): FileProblem {
  if (!(error instanceof TemplateFault)) throw error;
  return { file: join(folder, error.file), line: error.line ?? 1, reason: error.reason };
}

function field(about: YamlFile, name: string): unknown {
  return (about.value as Record<string, unknown>)[name];
}

function isText(value: unknown, longest: number): boolean {
  return typeof value === 'string' && value.trim() !== '' && value.length <= longest;
}

function isBetween(value: unknown, lowest: number, highest: number): boolean {
  return Number.isInteger(value) && Number(value) >= lowest && Number(value) <= highest;
}
