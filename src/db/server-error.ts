/** What the server says of a failed statement, under the names that the driver gives it. */
export class PostgresError extends Error {
  override readonly name = 'PostgresError';

  constructor(
    message: string,
    public code: string,
  ) {
    super(message);
  }
}

/** Bytes of a message before its fields. */
const headLength = 5;
const fieldNames: Readonly<Record<string, string>> = {
  S: 'severity_local',
  V: 'severity',
  D: 'detail',
  H: 'hint',
  t: 'table_name',
  c: 'column_name',
  n: 'constraint_name',
  R: 'routine',
};

/** The error that an ErrorResponse tells of. */
export function errorOf(message: Buffer): PostgresError {
  const fields: Record<string, string> = {};
  for (const field of message.toString('utf8', headLength, message.length - 1).split('\0')) {
    if (field !== '') fields[field.charAt(0)] = field.slice(1);
  }
  const named = Object.entries(fieldNames).flatMap(([letter, name]) =>
    fields[letter] === undefined ? [] : [[name, fields[letter]] as const],
  );
  const error = new PostgresError(fields['M'] ?? 'the database refused the statement', fields['C'] ?? '');
  return Object.assign(error, Object.fromEntries(named));
}
