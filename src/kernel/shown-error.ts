/** An error as log lines show it. */
export interface ShownError {
  readonly type: string;
  readonly message: string;
  /** A word or number that classifies it, such as an SQLSTATE or `ECONNREFUSED`. */
  readonly code?: string;
  /** Where it was thrown; the message is not repeated. */
  readonly stack?: string;
  /** What of the database's schema it is about. */
  readonly table?: string;
  readonly column?: string;
  readonly constraint?: string;
  readonly cause?: ShownError;
  readonly errors?: readonly ShownError[];
}

const withheld = '(withheld: it may quote values)';
const longest = 1_000;
const deepest = 5;
/** Classes of SQLSTATE whose messages name things of the schema or the server, never values. */
const plainClasses = ['08', '0A', '23', '25', '26', '28', '3D', '3F', '40', '42', '53', '54', '55', '57', '58'];

/**
 * An error without what it may know about people: of all its properties only those named here. Postgres puts whole rows into `detail`
 * and the values it could not read into the message; JSON.parse quotes its input.
 */
export function shownError(error: unknown, depth = 0): ShownError {
  if (!(error instanceof Error)) return { type: typeof error, message: withheld };
  const {
    code,
    table_name: table,
    column_name: column,
    constraint_name: constraint,
  } = error as Error & Readonly<Record<string, unknown>>;
  const isDeep = depth >= deepest;
  return {
    type: error.constructor.name,
    message: isAboutValues(error, code) ? withheld : error.message.slice(0, longest),
    ...(typeof code === 'string' || typeof code === 'number' ? { code: String(code) } : {}),
    ...(error.stack === undefined ? {} : { stack: framesOf(error.stack) }),
    ...(typeof table === 'string' && { table }),
    ...(typeof column === 'string' && { column }),
    ...(typeof constraint === 'string' && { constraint }),
    ...(error.cause !== undefined && !isDeep && { cause: shownError(error.cause, depth + 1) }),
    ...(error instanceof AggregateError &&
      !isDeep && { errors: error.errors.slice(0, 10).map((each) => shownError(each, depth + 1)) }),
  };
}

function isAboutValues(error: Error, code: unknown): boolean {
  if (error instanceof SyntaxError) return true;
  return 'severity' in error && typeof code === 'string' && !plainClasses.includes(code.slice(0, 2));
}

/** A stack begins with the message, which may have many lines; frames are what follows. */
function framesOf(stack: string): string {
  return stack
    .split('\n')
    .filter((line) => /^\s+at /.test(line))
    .join('\n');
}
