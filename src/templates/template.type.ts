import { Directive, Field, ObjectType } from 'type-graphql';
import { Column } from '../graphql/column.ts';
import { connectionOf } from '../graphql/connection.ts';
import { Node } from '../graphql/node.ts';
import type { TemplateGuards } from '../guards/guards.ts';
import { templates, templateVersions, type TemplateCache } from './templates.table.ts';

@Directive('@key(fields: "id")')
@ObjectType({ description: 'An immutable version of a template.', implements: Node, simpleResolvers: true })
export class TemplateVersion extends Node {
  @Column(templateVersions.id, 'Its id; `generationStart` takes it to use exactly this version.') declare id: string;
  @Column(templateVersions.number, 'Counts the versions of a template from 1.') number!: number;
  @Column(templateVersions.contentHash, 'SHA-256 of its content, in hex.') contentHash!: string;
  @Column(templateVersions.variablesSchema, 'What variables it takes, as JSON Schema (2020-12).') variablesSchema!: Record<
    string,
    unknown
  >;
  @Column(templateVersions.sample, 'Variables that fit, to try it with.') sample!: Record<string, unknown>;
  @Column(templateVersions.maxOutputTokens, 'Tokens a generation may use when its caller names no limit.')
  maxOutputTokens!: number;
  @Column(
    templateVersions.guards,
    'Whether personal details are masked before its prompts leave (`masking`), and what texts are checked for (`checks`).',
  )
  guards!: TemplateGuards;
  @Column(templateVersions.outputSchema, 'What its texts are: JSON that fits this JSON Schema (2020-12); null for plain text.')
  outputSchema!: Record<string, unknown> | null;
  @Column(
    templateVersions.cache,
    'How its generations use the texts of others (`mode`, `maxAgeSeconds`) where `generationStart` does not say; null leaves that to the tenant.',
  )
  cache!: TemplateCache | null;
  @Column(templateVersions.createdAt, 'When it was stored.') createdAt!: Date;
}

@Directive('@key(fields: "id")')
@ObjectType({ description: 'A named kind of document.', implements: Node })
export class Template extends Node {
  @Column(templates.id, 'Its id.') declare id: string;
  @Column(templates.slug, 'Its name in URLs and inputs.') slug!: string;
  @Column(templates.kind, 'The kind of document, such as `cover-letter`.') kind!: string;
  @Column(templates.title, 'Its name for people.') title!: string;
  @Column(templates.description, 'What it is good for.') description!: string;
  @Column(templates.createdAt, 'When it was first stored.') createdAt!: Date;
  @Field(() => TemplateVersion, { description: 'The version that a generation uses when it names none.' })
  currentVersion!: TemplateVersion;
}

/** One page of templates. */
export const TemplateConnection = connectionOf(Template);
