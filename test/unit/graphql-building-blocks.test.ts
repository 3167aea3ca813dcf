import { printSchema } from 'graphql';
import {
  bigint,
  boolean,
  customType,
  doublePrecision,
  integer,
  jsonb,
  pgTable,
  text,
  timestamp,
  uuid,
  varchar,
} from 'drizzle-orm/pg-core';
import { buildSchemaSync, Field, ObjectType, Query, registerEnumType, Resolver } from 'type-graphql';
import { expect, it } from 'vitest';
import { Column } from '../../src/graphql/column.ts';
import { ConnectionArgs, connectionOf } from '../../src/graphql/connection.ts';
import { Payload, payload } from '../../src/graphql/payload.ts';
import { AppError } from '../../src/kernel/errors.ts';

const id = customType<{ data: string; driverData: string }>({ dataType: () => 'uuid' });
const Mood = { GOOD: 'GOOD', BAD: 'BAD' } as const;
registerEnumType(Mood, { name: 'Mood' });

const things = pgTable('things', {
  id: id('id').notNull(),
  bare: uuid('bare').notNull(),
  title: text('title').notNull(),
  note: varchar('note'),
  count: integer('count').notNull(),
  bytes: bigint('bytes', { mode: 'number' }),
  ratio: doublePrecision('ratio').notNull(),
  isOpen: boolean('is_open').notNull(),
  at: timestamp('at', { withTimezone: true }).notNull(),
  local: timestamp('local').notNull(),
  facts: jsonb('facts').$type<Record<string, unknown>>().notNull(),
  tags: text('tags').array().notNull(),
  mood: text('mood', { enum: ['GOOD', 'BAD'] }),
});

@ObjectType({ description: 'A thing.' })
class Thing {
  @Column(things.id, 'Its id.') id!: string;
  @Column(things.title, 'Its title.') title!: string;
  @Column(things.note, 'A note.', { deprecationReason: 'Use title.' }) note!: string | null;
  @Column(things.count, 'How many.') count!: number;
  @Column(things.bytes, 'How large.') bytes!: number | null;
  @Column(things.ratio, 'How much.') ratio!: number;
  @Column(things.isOpen, 'Whether open.') isOpen!: boolean;
  @Column(things.at, 'When.') at!: Date;
  @Column(things.facts, 'What.') facts!: Record<string, unknown>;
  @Column(things.tags, 'Tags.') tags!: string[];
  @Column(things.mood, 'Mood.', { type: () => Mood }) mood!: 'GOOD' | 'BAD' | null;
}
const ThingConnection = connectionOf(Thing);

@ObjectType({ description: 'What became of it.' })
class ThingMakePayload extends Payload {
  @Field(() => Thing, { nullable: true, description: 'The thing.' }) thing!: Thing | null;
}

@Resolver()
class ThingResolver {
  @Query(() => ThingConnection) things(): null {
    return null;
  }
  @Query(() => ThingMakePayload) make(): null {
    return null;
  }
}

const printed = printSchema(buildSchemaSync({ resolvers: [ThingResolver], validate: false }));

it('derives the GraphQL type and nullability from the column', () => {
  const fields = printed.replaceAll(/\s*""".*"""\n/g, '\n');
  expect(
    /type Thing \{([^}]*)\}/
      .exec(fields)?.[1]
      ?.split('\n')
      .map((line) => line.trim())
      .filter(Boolean),
  ).toEqual([
    'id: ID!',
    'title: String!',
    'note: String @deprecated(reason: "Use title.")',
    'count: Int!',
    'bytes: SafeInt',
    'ratio: Float!',
    'isOpen: Boolean!',
    'at: DateTime!',
    'facts: JSONObject!',
    'tags: [String!]!',
    'mood: Mood',
  ]);
});

it('refuses columns that cannot know their type, at import', () => {
  expect(() => Column(things.bare, 'x.')).toThrow('things.bare');
  expect(() => Column(things.local, 'x.')).toThrow('things.local');
  expect(() => Column(things.mood, 'x.')).toThrow('things.mood');
});

it('does not compile with another property type', () => {
  class Wrong {
    // @ts-expect-error the column is nullable
    @Column(things.note, 'A note.') note!: string;
    // @ts-expect-error the column is never null
    @Column(things.title, 'A title.') title!: string | null;
    // @ts-expect-error the column holds a number
    @Column(things.count, 'A count.') count!: string;
  }
  expect(Wrong.name).toBe('Wrong');
});

it('makes Relay connections and payloads', () => {
  expect(printed).toContain('type ThingConnection {');
  expect(printed).toContain('edges: [ThingEdge!]!');
  expect(printed).toContain('type ThingMakePayload {');
  expect(printed).toContain('errors: [UserError!]!');
  expect(printed).not.toContain('type Payload ');
  expect(new ConnectionArgs().first).toBe(20);
});

it('shows expected failures as values and throws the rest', async () => {
  expect(await payload(() => Promise.resolve({ thing: 1 }))).toEqual({ thing: 1, errors: [] });
  const refused = await payload<{ thing: number }>(() =>
    Promise.reject(new AppError('CONFLICT', 'taken', { path: ['input', 'tags', 0] })),
  );
  expect(refused.thing ?? null).toBeNull();
  expect(refused.errors).toEqual([
    { code: 'CONFLICT', message: 'taken', path: ['input', 'tags', '0'], retryAfterMs: null, details: null },
  ]);
  await expect(payload(() => Promise.reject(new TypeError('bug')))).rejects.toThrow('bug');
  await expect(payload(() => Promise.reject(new AppError('INTERNAL', 'bug')))).rejects.toThrow('bug');
});
