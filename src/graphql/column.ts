import 'reflect-metadata';
import { GraphQLBoolean, GraphQLFloat, GraphQLID, GraphQLInt, GraphQLString } from 'graphql';
import { getTableName } from 'drizzle-orm';
import type { PgArray, PgColumn } from 'drizzle-orm/pg-core';
import { Field } from 'type-graphql';
import { DateTime, JSONObject, SafeInt } from './scalars.ts';

type FieldType = object | FieldType[];

/** What a row holds for a column: its data type, or null where SQL allows it. */
export type ColumnValue<C extends PgColumn> = C['_']['notNull'] extends true ? C['_']['data'] : C['_']['data'] | null;

type Same<A, B> = [A] extends [B] ? ([B] extends [A] ? unknown : never) : never;

export interface ColumnOptions {
  /** The GraphQL type where the column cannot know it: enums, and jsonb that is not any object. */
  readonly type?: () => FieldType;
  /** Why not to use the field any more: "Use X. Removed after 2.0." */
  readonly deprecationReason?: string;
}

/**
 * A field that is a column: GraphQL type and nullability come from the column, and a property whose type is not exactly
 * the column's does not compile. `description` ends with a period.
 */
export function Column<C extends PgColumn>(column: C, description: string, options: ColumnOptions = {}) {
  const type = options.type ?? constant(graphqlTypeOf(column));
  const { deprecationReason } = options;
  return <T extends object, K extends keyof T & string>(target: T, key: K & Same<T[K], ColumnValue<C>>): void =>
    Field(type, {
      nullable: !column.notNull,
      description,
      simple: true,
      ...(deprecationReason === undefined ? {} : { deprecationReason }),
    })(target, key);
}

const scalarOfColumnType: Readonly<Record<string, FieldType>> = {
  PgText: GraphQLString,
  PgVarchar: GraphQLString,
  PgChar: GraphQLString,
  PgInteger: GraphQLInt,
  PgSmallInt: GraphQLInt,
  PgSerial: GraphQLInt,
  PgBigInt53: SafeInt,
  PgBigSerial53: SafeInt,
  PgDoublePrecision: GraphQLFloat,
  PgReal: GraphQLFloat,
  PgBoolean: GraphQLBoolean,
  PgJsonb: JSONObject,
};

function graphqlTypeOf(column: PgColumn): FieldType {
  if (column.columnType === 'PgArray') return [graphqlTypeOf((column as PgArray<never, never>).baseColumn)];
  // Custom uuid columns carry the text form of ids; a bare uuid must never reach a response.
  if (column.columnType === 'PgCustomColumn' && column.getSQLType() === 'uuid') return GraphQLID;
  // Without a time zone an instant depends on the session.
  if (column.columnType === 'PgTimestamp' && column.getSQLType().endsWith('with time zone')) return DateTime;
  const scalar = column.enumValues?.length ? undefined : scalarOfColumnType[column.columnType];
  if (scalar) return scalar;
  const name = `${getTableName(column.table)}.${column.name}`;
  throw new Error(`column ${name} (${column.columnType}) has no GraphQL type of its own: pass { type }`);
}

function constant<T>(value: T): () => T {
  return () => value;
}
