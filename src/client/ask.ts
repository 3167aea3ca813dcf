import type { TypedDocumentNode } from '@graphql-typed-document-node/core';
import { print, type ExecutionResult } from 'graphql';

/** Where a server is, and the key to show it. */
export interface Endpoint {
  /** Without a path: `http://127.0.0.1:4000`. */
  readonly url: string;
  readonly key: string;
}

/** Sends a query or mutation over HTTP; rejects when the answer has errors. */
export async function ask<R, V>({ url, key }: Endpoint, document: TypedDocumentNode<R, V>, variables: V): Promise<R> {
  const response = await fetch(`${url}/graphql`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', authorization: `Bearer ${key}` },
    body: JSON.stringify({ query: print(document), variables }),
  });
  const { data, errors } = (await response.json()) as ExecutionResult<R>;
  if (errors?.length) throw new Error(errors.map(({ message }) => message).join('; '), { cause: errors });
  if (!data) throw new Error(`the server answered ${response.status} without data`);
  return data;
}
