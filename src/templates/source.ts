import { createHash } from 'node:crypto';
import type { TemplateGuards } from '../guards/guards.ts';
import type { FailoverPolicy, TemplateCache } from './templates.table.ts';

/** A JSON Schema (draft 2020-12) in the subset that `schemaProblems` allows. */
export interface JsonSchema {
  readonly [keyword: string]: unknown;
}

/** The facts a caller gives a template, checked and copied: no prototypes, optional ones absent, never null. */
export interface Variables {
  readonly [name: string]: unknown;
}

/** Kinds of documents a template can write; also the names of the top folders of the library. */
export const templateKinds = ['cover-letter'] as const;
export type TemplateKind = (typeof templateKinds)[number];

/** Variables that show what a template can do; they fit its schema and their draft can be sent as it is. */
export interface Sample {
  readonly title: string;
  readonly variables: Variables;
}

/** Everything one immutable version of a template consists of. */
export interface TemplateSource {
  /** `<kind>-<name>`, of `a-z`, `0-9` and `-`. */
  readonly slug: string;
  readonly kind: TemplateKind;
  readonly title: string;
  readonly description: string;
  readonly variablesSchema: JsonSchema;
  readonly samples: readonly Sample[];
  /** nunjucks; writes the draft. */
  readonly draftSource: string;
  /** nunjucks in sections, see `splitPrompt`; writes the messages for a model. */
  readonly promptSource: string;
  /** What a generation may use when its caller names no limit. */
  readonly maxOutputTokens: number;
  readonly failoverPolicy: FailoverPolicy;
  readonly guards: TemplateGuards;
  /** What its texts are: JSON that fits this schema; null for plain text. */
  readonly outputSchema: JsonSchema | null;
  /** How its generations use the texts of others where their callers say nothing; null leaves that to the tenant. */
  readonly cache: TemplateCache | null;
  /** SHA-256 in hex of all of the above: equal content has equal hashes on every machine. */
  readonly contentHash: string;
}

/** Adds the hash to a source. */
export function sealed(content: Omit<TemplateSource, 'contentHash'>): TemplateSource {
  // One that says nothing of these has the hash that it had before there were any.
  const hashed = { ...content, outputSchema: content.outputSchema ?? undefined, cache: content.cache ?? undefined };
  return { ...content, contentHash: createHash('sha256').update(canonicalJson(hashed)).digest('hex') };
}

/** JSON whose object keys are sorted, so that equal values give equal text. */
export function canonicalJson(value: unknown): string {
  return JSON.stringify(value, (_key, part: unknown) =>
    typeof part === 'object' && part !== null && !Array.isArray(part)
      ? Object.fromEntries(Object.entries(part).toSorted(([a], [b]) => (a < b ? -1 : 1)))
      : part,
  );
}
