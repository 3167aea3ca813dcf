import { ApolloServer, HeaderMap, type ApolloServerOptionsWithGateway, type ApolloServerPlugin } from '@apollo/server';
import {
  ApolloServerPluginCacheControlDisabled,
  ApolloServerPluginInlineTraceDisabled,
  ApolloServerPluginLandingPageDisabled,
  ApolloServerPluginSchemaReportingDisabled,
  ApolloServerPluginUsageReportingDisabled,
} from '@apollo/server/plugin/disabled';
import { ApolloServerPluginUsageReporting } from '@apollo/server/plugin/usageReporting';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { GraphQLError, Kind, OperationTypeNode, type DocumentNode, type GraphQLFormattedError } from 'graphql';
import type { Addresses } from '../kernel/address.ts';
import type { Caller } from './context.ts';
import { hasPersistedQuery } from './documents.ts';
import type { Operation, Pipeline, Refused } from './execute.ts';
import { abortOnHangUp, callerOf, headOf, type HttpTransport } from './answer.ts';
import { isErrorCode, refusal, withExtensions } from './masking.ts';
import type { OperationRequest } from './request.ts';

/** Which graph of Apollo's our usage is reported to. */
export interface UsageReporting {
  readonly key: string;
  /** `my-graph@current`. */
  readonly graphRef: string;
  /** The way out; the network's when absent. */
  readonly fetcher?: typeof fetch;
}

interface ApolloContext {
  readonly caller: Caller;
  /** Puts what is left of the limits on the answer. */
  readonly tell: (headers: Readonly<Record<string, string>>) => void;
  readonly onHangUp: (operation: Operation) => void;
  /** Apollo copies the context; this is one for all copies. */
  readonly outcome: { prepared: Operation | Refused | null };
  /** What was sent where Apollo sees something else. */
  readonly sent: Sent | null;
}

type Sent = Pick<OperationRequest, 'query' | 'extensions'>;

const jsonRanges: ReadonlySet<string> = new Set([
  '*/*',
  'application/*',
  'application/json',
  'application/graphql-response+json',
]);

/**
 * Apollo Server speaks GraphQL over HTTP (methods, media types, statuses, CSRF); our pipeline does the rest. Apollo gets the
 * document that we parsed and the executor that runs it, so that nothing is parsed or validated twice.
 */
export async function openApollo(
  pipeline: Pipeline,
  addresses: Addresses,
  usageReporting: UsageReporting | null,
): Promise<HttpTransport> {
  const apollo = new ApolloServer<ApolloContext>({
    gateway: gatewayTo(pipeline),
    plugins: [
      preparing(pipeline),
      ApolloServerPluginLandingPageDisabled(),
      ApolloServerPluginCacheControlDisabled(),
      ApolloServerPluginInlineTraceDisabled(),
      // Said outright: left alone, Apollo looks into the environment for a key of its own.
      ApolloServerPluginSchemaReportingDisabled(),
      usageReporting ? reporting(usageReporting) : ApolloServerPluginUsageReportingDisabled(),
    ],
    ...(usageReporting && { apollo: { key: usageReporting.key, graphRef: usageReporting.graphRef } }),
    dangerouslyDisableValidation: true,
    documentStore: null,
    persistedQueries: false,
    csrfPrevention: true,
    introspection: true,
    includeStacktraceInErrorResponses: false,
    stopOnTerminationSignals: false,
    formatError: shownByApollo,
    logger: silent,
  });
  await apollo.start();

  return {
    async answer(request, reply) {
      const headers = new HeaderMap();
      for (const [name, value] of Object.entries(request.headers)) {
        if (value !== undefined) headers.set(name, Array.isArray(value) ? value.join(', ') : value);
      }
      const { search, body, sent } = withoutHash(request);
      const tell = (left: Readonly<Record<string, string>>): void => void reply.headers(left);
      const outcome: ApolloContext['outcome'] = { prepared: null };
      let caller: Caller | null = null;
      const release = (): void => {
        if (outcome.prepared?.errors === null) pipeline.release(outcome.prepared);
      };
      const response = await apollo
        .executeHTTPGraphQLRequest({
          httpGraphQLRequest: {
            method: request.method,
            headers,
            search,
            body,
          },
          context: async () => {
            caller = await apolloCaller(pipeline, addresses, request);
            return { caller, tell, onHangUp: (operation) => abortOnHangUp(reply, operation), outcome, sent };
          },
        })
        // What Apollo did not let run, such as a mutation that came as a GET, or could not.
        .finally(release);
      const limited = caller && !outcome.prepared ? await countRefused(pipeline, caller, tell) : null;
      if (limited) return answerRefused(reply, limited);
      for (const [name, value] of response.headers) reply.header(name, value);
      reply.code(response.status ?? 200);
      if (response.body.kind !== 'complete') throw new Error('there are no incremental results');
      void reply.send(response.body.string);
    },
    close: () => apollo.stop(),
  };
}

/** What Apollo refuses by itself is counted as well; the refusal for that when there is nothing left. */
async function countRefused(pipeline: Pipeline, caller: Caller, tell: ApolloContext['tell']): Promise<Refused | null> {
  const own = refusal('BAD_REQUEST', 'not a GraphQL request');
  const refused = await pipeline.refuse(own, caller, tell);
  return refused.errors[0] === own ? null : refused;
}

function answerRefused(reply: FastifyReply, { errors }: Refused): void {
  const { status, headers } = headOf(errors);
  void reply
    .code(status)
    .headers(headers)
    .header('content-type', 'application/json; charset=utf-8')
    .send(`${JSON.stringify({ errors })}\n`);
}

/** Operations, their times and codes: no variables, headers or messages, and no look at every field. */
function reporting({ fetcher }: UsageReporting): ApolloServerPlugin<ApolloContext> {
  return ApolloServerPluginUsageReporting<ApolloContext>({
    fieldLevelInstrumentation: 0,
    sendVariableValues: { none: true },
    sendHeaders: { none: true },
    sendErrors: { masked: true },
    ...(fetcher && { fetcher: fetcher as never }),
  });
}

/** Who calls; throws what Apollo turns into the 401 with its GraphQL body. */
async function apolloCaller(pipeline: Pipeline, addresses: Addresses, request: FastifyRequest): Promise<Caller> {
  // Apollo looks at it when the operation has run: a mutation would be done and its answer lost.
  if (!acceptsJson(request.headers.accept)) throw notAcceptable();
  try {
    return await callerOf(pipeline, addresses, request);
  } catch (error) {
    throw error instanceof GraphQLError ? withHead(error) : error;
  }
}

/** Whether one of the media ranges allows an answer in JSON. Parameters other than the charset that we send allow nothing. */
function acceptsJson(accept: string | undefined): boolean {
  if (accept === undefined) return true;
  return accept.split(',').some((range) => {
    const [type = '', ...parameters] = range.split(';').map((part) => part.trim().toLowerCase());
    return (
      jsonRanges.has(type) && parameters.every((each) => each === 'charset=utf-8' || /^q=(1|1\.0*|0?\.\d*[1-9]\d*)$/.test(each))
    );
  });
}

function notAcceptable(): GraphQLError {
  const message = 'accept must allow application/json or application/graphql-response+json';
  return withExtensions(refusal('BAD_REQUEST', message), {
    code: 'BAD_REQUEST',
    http: { status: 406, headers: new HeaderMap() },
  });
}

/** Persisted queries are found by our pipeline: Apollo gets a document that it cannot object to in their place. */
function withoutHash({ method, url, body }: FastifyRequest): { search: string; body: unknown; sent: Sent | null } {
  const mark = url.indexOf('?');
  const search = mark < 0 ? '' : url.slice(mark);
  if (method === 'GET') {
    const asked = new URLSearchParams(search);
    const extensions = parsedOrNull(asked.get('extensions'));
    if (!hasPersistedQuery(extensions)) return { search, body, sent: null };
    const sent = { query: asked.get('query') ?? undefined, extensions };
    asked.set('query', '{__typename}');
    asked.delete('extensions');
    return { search: `?${asked}`, body, sent };
  }
  if (typeof body !== 'object' || body === null || !('extensions' in body) || !hasPersistedQuery(body.extensions)) {
    return { search, body, sent: null };
  }
  const { extensions, ...rest } = body as Record<string, unknown>;
  return { search, body: { ...rest, query: '{__typename}' }, sent: { query: rest['query'], extensions } };
}

function parsedOrNull(json: string | null): unknown {
  try {
    return json === null ? null : JSON.parse(json);
  } catch {
    // Apollo says what is wrong with it.
    return null;
  }
}

/** Apollo's hooks: the document comes from our pipeline before Apollo would parse it. */
function preparing(pipeline: Pipeline): ApolloServerPlugin<ApolloContext> {
  return {
    async requestDidStart() {
      return {
        async didResolveSource(context) {
          const { query, operationName, variables } = context.request;
          const { caller, sent, tell } = context.contextValue;
          const prepared = await pipeline.accept({ operationName, variables, ...(sent ?? { query }) }, caller, tell);
          context.contextValue.outcome.prepared = prepared;
          const document = prepared.errors ? placeholder(operationName ?? null) : prepared.document;
          (context as { document?: DocumentNode }).document = document;
        },
      };
    },
  };
}

function gatewayTo(pipeline: Pipeline): ApolloServerOptionsWithGateway<ApolloContext>['gateway'] {
  return {
    load: () =>
      Promise.resolve({
        executor: async ({ context }) => {
          const { onHangUp, outcome } = context as ApolloContext;
          const { prepared } = outcome;
          if (!prepared) throw new Error('no operation was prepared');
          if (prepared.errors) return { errors: prepared.errors.map(withHead) };
          onHangUp(prepared);
          const result = await pipeline.execute(prepared);
          // Errors of fields leave the status alone; a request that failed as a whole has its own.
          return result.data === undefined && result.errors ? { errors: result.errors.map(withHead) } : result;
        },
      }),
    onSchemaLoadOrUpdate(listen) {
      listen({ apiSchema: pipeline.schema, coreSupergraphSdl: '' });
      return () => undefined;
    },
    stop: () => Promise.resolve(),
  };
}

/** A refused request still needs an operation for Apollo to call the executor, which gives the refusal. */
function placeholder(name: string | null): DocumentNode {
  const selections = [{ kind: Kind.FIELD, name: { kind: Kind.NAME, value: '__typename' } }] as const;
  return {
    kind: Kind.DOCUMENT,
    definitions: [
      {
        kind: Kind.OPERATION_DEFINITION,
        operation: OperationTypeNode.QUERY,
        ...(name !== null && { name: { kind: Kind.NAME, value: name } }),
        selectionSet: { kind: Kind.SELECTION_SET, selections },
      },
    ],
  };
}

/** Adds the status and headers in the form that Apollo takes out again before it answers. */
function withHead(error: GraphQLError): GraphQLError {
  const { status, headers } = headOf([error]);
  return withExtensions(error, { ...error.extensions, http: { status, headers: new HeaderMap(Object.entries(headers)) } });
}

/** Apollo's own refusals get codes of our list. */
function shownByApollo(formatted: GraphQLFormattedError): GraphQLFormattedError {
  const { code } = formatted.extensions ?? {};
  if (isErrorCode(code)) return formatted;
  if (code === 'INTERNAL_SERVER_ERROR') return { message: 'internal error', extensions: { code: 'INTERNAL' } };
  return { ...formatted, extensions: { code: 'BAD_REQUEST' } };
}

// What goes wrong is logged where it is masked.
const silent = { debug: () => undefined, info: () => undefined, warn: () => undefined, error: () => undefined };
