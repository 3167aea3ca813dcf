import 'reflect-metadata';
import type { GraphQLSchema } from 'graphql';
import {
  Arg,
  Args,
  Ctx,
  Directive,
  Field,
  ID,
  InputType,
  Int,
  Mutation,
  ObjectType,
  Query,
  Resolver,
  Root,
  Subscription,
} from 'type-graphql';
import { type RequestContext } from '../../src/graphql/context.ts';
import { ConnectionArgs, connectionOf, type Connection } from '../../src/graphql/connection.ts';
import { buildPipeline } from '../../src/graphql/execute.ts';
import type { PipelineOptions } from '../../src/graphql/pipeline-options.ts';
import type { LoaderFactory } from '../../src/graphql/loaders.ts';
import { Payload, payload } from '../../src/graphql/payload.ts';
import { JSONObject } from '../../src/graphql/scalars.ts';
import { buildApiSchema, buildSubgraph } from '../../src/graphql/schema.ts';
import { listen, type HttpServer, type ServerOptions } from '../../src/graphql/server.ts';
import { AppError } from '../../src/kernel/errors.ts';
import { openLog } from '../../src/kernel/log.ts';
import { allPermissions, Scope, type Permission } from '../../src/kernel/scope.ts';
import { openMetrics, type Metrics } from '../../src/monitoring/metrics.ts';

/** How often each batch was read, to see that loaders batch. */
export const batches: (readonly string[])[] = [];
/** Mutations that ran, to see that refused ones did not. */
export const done: string[] = [];
/** Generators of `ticks` and `forever` that have not ended. */
export const running = new Set<string>();

const friends: LoaderFactory<string, string> = () => (keys) => {
  batches.push(keys);
  return Promise.resolve(keys.map((key) => `friend of ${key}`));
};

@Directive('@key(fields: "id")')
@ObjectType({ description: 'A thing.' })
class Thing {
  @Field(() => ID, { description: 'Its id.', simple: true }) id!: string;
}
const ThingConnection = connectionOf(Thing);

@InputType({ description: 'What to make.' })
class ThingMakeInput {
  @Field(() => String, { description: 'Its name.' }) name!: string;
  @Field(() => JSONObject, { nullable: true, description: 'Facts.' }) variables?: Record<string, unknown>;
}

@ObjectType({ description: 'What became of it.', simpleResolvers: true })
class ThingMakePayload extends Payload {
  @Field(() => Thing, { nullable: true, description: 'The thing.' }) thing!: Thing | null;
}

@ObjectType({ description: 'One tick.', simpleResolvers: true })
class Tick {
  @Field(() => Int, { description: 'Its number.' }) number!: number;
  @Field(() => String, { description: 'Its position.' }) cursor!: string;
}

@Resolver(() => Thing)
class ThingResolver {
  @Query(() => String, { description: 'Says hello.' })
  hello(@Arg('name', () => String, { nullable: true, description: 'To whom.' }) name: string | null): string {
    return `hello ${name ?? 'world'}`;
  }

  @Query(() => Thing, { nullable: true, description: 'Refused.' })
  refused(): Thing {
    throw new AppError('NOT_FOUND', 'no such thing', { path: ['id'] });
  }

  @Query(() => Thing, { nullable: true, description: 'Broken.' })
  broken(): Thing {
    throw new TypeError('canary-secret at db://host');
  }

  @Query(() => ThingConnection, { description: 'Things.' })
  things(@Args(() => ConnectionArgs) { first }: ConnectionArgs): Connection<Thing> {
    const nodes = Array.from({ length: first ?? 20 }, (_, index) => ({ id: `t${index}` }));
    const edges = nodes.map((node) => ({ cursor: node.id, node }));
    return { nodes, edges, pageInfo: { hasNextPage: true, hasPreviousPage: false, startCursor: null, endCursor: null } };
  }

  @Mutation(() => ThingMakePayload, { description: 'Makes a thing.' })
  thingMake(@Arg('input', () => ThingMakeInput, { description: 'What.' }) input: ThingMakeInput) {
    return payload(async () => {
      if (input.name === '') throw new AppError('INVALID_INPUT', 'the name is empty', { path: ['input', 'name'] });
      done.push(input.name);
      return { thing: { id: input.name } };
    });
  }

  @Subscription(() => Tick, {
    description: 'Counts, then ends.',
    subscribe: ({ args }: { args: { to: number; after?: string | null } }) => ticks(args.to, Number(args.after ?? '0')),
  })
  ticks(
    @Root() tick: Tick,
    @Arg('to', () => Int, { description: 'The last.' }) _to: number,
    @Arg('after', () => String, { nullable: true, description: 'Goes on behind this.' }) _after: string | null,
  ): Tick {
    return tick;
  }

  @Subscription(() => Tick, {
    description: 'Waits until the reader is gone.',
    subscribe: ({ context }: { context: RequestContext }) => forever(context.signal),
  })
  forever(@Root() tick: Tick, @Arg('name', () => String, { nullable: true, description: 'Any.' }) _name: string | null): Tick {
    return tick;
  }

  @Subscription(() => String, {
    description: 'A lot of text without end, as fast as it is read.',
    subscribe: ({ context }: { context: RequestContext }) => flood(context.signal),
  })
  flood(@Root() text: string): string {
    return text;
  }

  @Subscription(() => Tick, {
    description: 'Fails before it starts.',
    subscribe: (): AsyncIterable<Tick> => {
      throw new AppError('NOT_FOUND', 'no such stream', { path: ['id'] });
    },
  })
  missing(@Root() tick: Tick): Tick {
    return tick;
  }

  @Subscription(() => Tick, { description: 'Fails after one.', subscribe: () => failing() })
  failing(@Root() tick: Tick): Tick {
    return tick;
  }

  @Query(() => [String], { description: 'Friends of the named.' })
  friends(
    @Ctx() { loaders }: RequestContext,
    @Arg('of', () => [String], { description: 'Names.' }) of: string[],
  ): Promise<string[]> {
    return Promise.all(of.map((name) => loaders.get(friends).load(name)));
  }
}

async function* ticks(to: number, after: number): AsyncGenerator<Tick> {
  for (let number = after + 1; number <= to; number++) yield { number, cursor: String(number) };
}

async function* forever(signal: AbortSignal): AsyncGenerator<Tick> {
  const name = crypto.randomUUID();
  running.add(name);
  try {
    yield { number: 1, cursor: '1' };
    await new Promise<void>((resolve) =>
      signal.aborted ? resolve() : signal.addEventListener('abort', () => resolve(), { once: true }),
    );
  } finally {
    running.delete(name);
  }
}

async function* flood(signal: AbortSignal): AsyncGenerator<string> {
  const text = 'x'.repeat(64 * 1_024);
  running.add('flood');
  try {
    while (!signal.aborted) yield text;
  } finally {
    running.delete('flood');
  }
}

async function* failing(): AsyncGenerator<Tick> {
  yield { number: 1, cursor: '1' };
  throw new TypeError('canary-secret in the stream');
}

/** The schema alone, without federation. */
export function tinySchema(): GraphQLSchema {
  return buildApiSchema([ThingResolver]);
}

/** Keys by name: what each may do. */
const keys: Readonly<Record<string, readonly Permission[]>> = { all: allPermissions, little: ['generations:read'] };

export interface TinyApp extends HttpServer {
  readonly metrics: Metrics;
  readonly logged: string[];
}

/** The whole of src/graphql around a schema that needs no database and no feature. */
export async function openTinyApp(
  options: Partial<ServerOptions> & { pipelineOptions?: Partial<PipelineOptions> } = {},
): Promise<TinyApp> {
  const logged: string[] = [];
  const log = openLog({ level: 'info', destination: { write: (line) => logged.push(line) } });
  const metrics = openMetrics({ hasProcessMetrics: false });
  const pipeline = buildPipeline({
    schema: buildSubgraph(tinySchema(), { Thing: ({ id }) => ({ id }) }),
    authenticate({ authorization }) {
      const key = authorization?.replace(/^Bearer /, '') ?? '';
      const held = Object.hasOwn(keys, key) ? keys[key] : undefined;
      return held
        ? Promise.resolve(new Scope('ten', 'mem', { kind: 'key', id: key }, held))
        : Promise.reject(new AppError('UNAUTHENTICATED', 'no such key'));
    },
    log,
    registry: metrics.registry,
    knownOperations: new Set(['Known']),
    ...options.pipelineOptions,
  });
  const server = await listen({
    host: '127.0.0.1',
    port: 0,
    pipeline,
    log,
    metrics,
    metricsToken: null,
    readiness: () => Promise.resolve({ isReady: true, detail: { database: 'up' } }),
    allowedOrigins: ['https://app.example.com'],
    isDevelopment: false,
    developmentKey: null,
    ...options,
  });
  return { ...server, metrics, logged };
}
