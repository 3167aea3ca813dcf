import { isObject } from './object.ts';

/** Whether documents must be listed: not asked, asked and logged, or demanded. */
export const trustModes = ['off', 'audit', 'enforce'] as const;

/** The documents that may run, by the id that clients send in their stead. */
export interface TrustedDocuments {
  readonly mode: (typeof trustModes)[number];
  readonly byId: ReadonlyMap<string, string>;
}

/**
 * Reads a manifest: Apollo's (`{ format: 'apollo-persisted-query-manifest', version: 1, operations: [{ id, body }] }`) or
 * `{ hash: document }`. Throws an Error that says what is wrong.
 */
export function readManifest(json: string): ReadonlyMap<string, string> {
  const manifest: unknown = parsed(json);
  if (!isObject(manifest)) throw new Error('it is no JSON object');
  const isApollo = manifest['format'] !== undefined;
  if (isApollo && (manifest['format'] !== 'apollo-persisted-query-manifest' || manifest['version'] !== 1)) {
    throw new Error('its format is not version 1 of apollo-persisted-query-manifest');
  }
  const { operations } = manifest;
  if (isApollo && !Array.isArray(operations)) throw new Error('it has no list of operations');
  const entries: unknown[][] = isApollo
    ? (operations as unknown[]).map((each) => (isObject(each) ? [each['id'], each['body']] : []))
    : Object.entries(manifest);
  const documents = new Map<string, string>();
  for (const [index, [id, body]] of entries.entries()) {
    if (typeof id !== 'string' || id === '' || typeof body !== 'string' || body.trim() === '') {
      throw new Error(`its entry ${index + 1} is no id with a document`);
    }
    if (documents.has(id)) throw new Error(`it has ${id} twice`);
    documents.set(id, body);
  }
  return documents;
}

function parsed(json: string): unknown {
  try {
    return JSON.parse(json);
  } catch {
    // Its message quotes what it read.
    throw new Error('it is not JSON');
  }
}
