import process from 'node:process';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createClient, type Client } from 'graphql-ws';
import { openApp } from '../app.ts';
import { ask, type Endpoint } from '../client/ask.ts';
import { followGeneration, type FinishedGeneration } from '../client/follow.ts';
import { GenerationStartDocument, TemplateDocument } from '../client/operations.ts';
import { readConfig, type Config } from '../config.ts';
import { openLog } from '../kernel/log.ts';
import { demoSlug } from '../templates/library.ts';
import { Letter, type Paper } from './letter.ts';
import { findRunning } from './running.ts';

interface Server extends Endpoint {
  readonly isOwn: boolean;
  stop(): Promise<void>;
}

const retries = 20;
const number = new Intl.NumberFormat('en');

/** Writes one letter from the sample of a template and shows it arrive: a client of the running server, or of one that it opens. */
async function demo(paper: Paper, signal: AbortSignal): Promise<void> {
  const config = readConfig({ ...process.env, HOST: '127.0.0.1', PORT: '0' });
  const server = (await runningServer(config)) ?? (await ownServer(config));
  const client = connect(server);
  try {
    await show(server, client, paper, signal);
  } finally {
    await client.dispose();
    await server.stop();
  }
}

function connect(server: Server): Client {
  return createClient({
    url: `${server.url.replace('http', 'ws')}/graphql`,
    connectionParams: { Authorization: `Bearer ${server.key}` },
    // Connected before there is something to read: the time to the first token is the product's, not the handshake's.
    lazy: false,
    // What keeps it from connecting ends the reading as well, and is reported there.
    onNonLazyError: () => undefined,
    retryAttempts: retries,
    // A server that restarts refuses connections for a while; the stream goes on after its last cursor.
    shouldRetry: () => true,
  });
}

async function runningServer(config: Config): Promise<Server | null> {
  const running = await findRunning(config.dataDir);
  if (!running) return null;
  const path = join(config.dataDir, 'dev-key');
  const key = await readFile(path, 'utf8').catch((cause: unknown) => {
    throw new Error(`the server at ${running.url} is running, but its development key cannot be read from ${path}`, { cause });
  });
  return { url: running.url, key: key.trim(), isOwn: false, stop: async () => undefined };
}

async function ownServer(config: Config): Promise<Server> {
  const app = await openApp(config, { log: openLog({ level: 'silent' }) });
  const stop = async (): Promise<void> => {
    const failures = await app.stop();
    if (failures.length > 0) throw new AggregateError(failures, failures.map(({ message }) => message).join('; '));
  };
  if (app.developmentKey !== null) return { url: app.url, key: app.developmentKey, isOwn: true, stop };
  await stop();
  throw new Error('the demo needs a development key, and NODE_ENV=production has none');
}

async function show(server: Server, client: Client, paper: Paper, signal: AbortSignal): Promise<void> {
  const letter = new Letter(paper);
  const print = (line = ''): void => paper.write(`${line}\n`);
  const label = (name: string, value: string): void => print(`  ${letter.dim(name.padEnd(11))}  ${value}`);

  const { template } = await ask(server, TemplateDocument, { slug: demoSlug });
  if (!template) throw new Error(`the server has no template ${demoSlug}`);
  const startedAt = performance.now();
  const input = { template: template.slug, variables: template.currentVersion.sample };
  const { generationStart } = await ask(server, GenerationStartDocument, { input });
  const { generation, errors } = generationStart;
  if (!generation) throw new Error(errors.map(({ code, message }) => `${code}: ${message}`).join('; '));

  print(`\n  ${letter.bold('Draftwire')} writes a letter\n`);
  label('server', server.isOwn ? `${server.url}, opened for this demo` : `${server.url}, already running`);
  label('template', `${template.title} (${template.slug}), with its sample`);
  label(
    'model',
    generation.model.startsWith('offline/')
      ? `${generation.model}: the template's own draft, without key or network`
      : generation.model,
  );
  label('generation', generation.id);
  print();

  let firstAt = 0;
  let lastAt = 0;
  let read = '';
  const finished = await followGeneration(client, generation.id, {
    signal,
    onMessage(message, text) {
      read = text;
      if (message.__typename === 'GenerationRestarted')
        letter.cutBack(message.offset, text, `${message.reason}: attempt ${message.attempt} goes on from ${message.offset}`);
      if (message.__typename !== 'GenerationDelta') return;
      lastAt = performance.now();
      firstAt ||= lastAt;
      letter.add(
        message.text,
        `  at ${number.format(text.length)} · ${perSecond(text.length, lastAt - firstAt)} characters/s · first token after ${milliseconds(firstAt - startedAt)}`,
      );
    },
  }).finally(() => letter.finish());

  print();
  if (finished.failure)
    throw new Error(`the generation ended ${finished.status}: ${finished.failure.code}, ${finished.failure.message}`);
  if (finished.text !== read) throw new Error('the text that was read is not the text that was stored');
  label(
    'status',
    `${letter.bold(finished.status)}, and the ${number.format(read.length)} characters read are exactly the stored text`,
  );
  label('first token', `after ${milliseconds(firstAt - startedAt)}, counted from the mutation`);
  label('speed', speedOf(finished, lastAt - firstAt));
  goOn(server, print, letter);
}

function speedOf({ text, usage }: FinishedGeneration, ms: number): string {
  const characters = `${perSecond(text.length, ms)} characters/s`;
  const seconds = `over ${(ms / 1_000).toFixed(1)} s`;
  return usage?.outputTokens == null
    ? `${characters} ${seconds}`
    : `${perSecond(usage.outputTokens, ms)} tokens/s (${characters}) ${seconds}`;
}

function goOn({ url, isOwn }: Server, print: (line?: string) => void, letter: Letter): void {
  const steps = [
    isOwn
      ? ['npm start', 'serves until stopped, with GraphiQL and a development key']
      : [`${url}/graphql`, 'GraphiQL, in a browser'],
    ...(isOwn ? [['npm run demo', 'beside it: the same demo as its client']] : []),
    ['OPENAI_API_KEY=…', 'or ANTHROPIC_API_KEY: a model writes instead of the template'],
    ['README.md', 'the tour: start, watch, cut and come back, cancel, retry'],
  ];
  const width = Math.max(...steps.map(([what = '']) => what.length));
  print(`\n  ${letter.bold('Go on')}\n`);
  for (const [what = '', why = ''] of steps) print(`  ${what.padEnd(width)}  ${letter.dim(why)}`);
  print();
}

function perSecond(count: number, ms: number): string {
  // What came at once has no speed.
  return ms < 1 ? '—' : number.format(Math.round((count * 1_000) / ms));
}

function milliseconds(ms: number): string {
  return `${number.format(Math.round(ms))} ms`;
}

const stopped = new AbortController();
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => stopped.abort(new Error(`stopped by ${signal}`)));
// A reader like `head` that has seen enough.
process.stdout.on('error', (error) => stopped.abort(error));
const isTerminal = process.stdout.isTTY === true;
const paper: Paper = {
  columns: process.stdout.columns ?? 100,
  isTerminal,
  isStyled: isTerminal && !process.env['NO_COLOR'],
  write: (text) => void process.stdout.write(text),
};
try {
  await demo(paper, stopped.signal);
} catch (error) {
  process.stderr.write(`\nThe demo stopped: ${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 1;
}
