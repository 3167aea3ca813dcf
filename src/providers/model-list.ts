import { isObject } from '../kernel/object.ts';
import { bytesOf, textOf } from './bytes.ts';
import { failure } from './failures.ts';
import { parsed, stringOf } from './json.ts';

const longestList = 4 * 1_048_576;
const mostNames = 1_000;

/** The names in a vendor's list of models, `field` of each entry below `list`; a thousand at most. Throws STREAM_MALFORMED where it is no such list. */
export async function namesIn(
  response: Response,
  { provider, list, field, signal }: { provider: string; list: string; field: string; signal: AbortSignal },
): Promise<string[]> {
  const body = parsed(await listText(response, signal));
  const entries: unknown = isObject(body) ? body[list] : null;
  if (!Array.isArray(entries)) throw failure('STREAM_MALFORMED', `${provider} answered with no list of models`);
  const names = entries.flatMap((entry: unknown) => (isObject(entry) ? (stringOf(entry[field]) ?? []) : []));
  return names.filter((name) => name !== '' && name.length <= 200).slice(0, mostNames);
}

/** The text of the body; empty when it is longer than any list. */
async function listText(response: Response, signal: AbortSignal): Promise<string> {
  const bytes = bytesOf(response);
  if (bytes === null) return '';
  const stop = (): void => bytes.cancel();
  signal.addEventListener('abort', stop, { once: true });
  try {
    const { text, isWhole } = await textOf(bytes, longestList);
    signal.throwIfAborted();
    return isWhole ? text : '';
  } finally {
    signal.removeEventListener('abort', stop);
    bytes.cancel();
  }
}
