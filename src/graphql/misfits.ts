import type { GraphQLError } from 'graphql';

/** Why a variable does not fit, and where. */
export interface Misfit {
  readonly message: string;
  /** From the variable down to the value: `['input', 'ids', 1]`. */
  readonly path: readonly (string | number)[];
}

/** What graphql-js says of a variable that does not fit, without the value, which may be a secret; null for any other error. */
export function misfitOf(error: GraphQLError): Misfit | null {
  const { message, originalError, nodes } = error;
  const node = nodes?.[0];
  if (node?.kind !== 'VariableDefinition') return null;
  const name = node.variable.name.value;
  const start = `Variable "$${name}" got invalid value `;
  const end = originalError ? `; ${originalError.message}` : '';
  if (!message.startsWith(start) || end === '' || !message.endsWith(end)) return { message, path: [name] };
  // Behind the value: inside a quoted one the quotes would be escaped, so this is not part of it.
  const where = / at "([\w.[\]]+)"$/.exec(message.slice(0, -end.length))?.[1] ?? null;
  const said = `Variable "$${name}" got an invalid value${where === null ? '' : ` at "${where}"`}${end}`;
  return { message: withoutValue(said), path: where === null ? [name] : partsOf(where) };
}

/** `String cannot represent a non string value: ["secret"]` up to its colon. */
export function withoutValue(message: string): string {
  return message.replace(/( cannot represent (?:[\w -]+ )?value): [\s\S]*$/, '$1');
}

function partsOf(where: string): (string | number)[] {
  return [...where.matchAll(/\[(\d+)\]|(\w+)/g)].map(([word, index]) => (index === undefined ? word : Number(index)));
}
