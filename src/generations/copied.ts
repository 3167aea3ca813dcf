import type { SqlTag, Statement } from '../db/statement.ts';

/** The columns that an attempt needs which may be a copy, behind those of any. */
export function copyColumns(sql: SqlTag): Statement {
  return sql`, source, input_tokens, output_tokens, cached_input_tokens, cost_micros`;
}

/** Their values: a copy of the generation `source`, a uuid or null, uses nothing, however it ends. */
export function copyValues(sql: SqlTag, source: Statement): Statement {
  return sql`, ${source}, case when ${source} is not null then 0 end, case when ${source} is not null then 0 end,
    case when ${source} is not null then 0 end, case when ${source} is not null then 0 end`;
}
