import { Readable } from 'node:stream';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { GraphQLError } from 'graphql';
import type { Addresses } from '../kernel/address.ts';
import type { Clock } from '../kernel/clock.ts';
import { AppError } from '../kernel/errors.ts';
import type { Permission, Scope } from '../kernel/scope.ts';
import { callerOf, headOf } from './answer.ts';
import { scopeOf, type Caller } from './context.ts';
import { DrainWatch } from './drained.ts';
import type { Pipeline } from './execute.ts';
import { maskError } from './masking.ts';

/** A file that a feature makes while it is read: for what is too long for an answer. The key is shown, and the limits hold, as for operations. */
export interface Download {
  /** `/audit.ndjson`. */
  readonly path: string;
  readonly mediaType: string;
  /** What it takes, from its beginning to its end. */
  readonly permission: Permission;
  /** Its parts, from what the URL asks for, to somebody who has the permission. Throws AppError before the first; `signal` aborts when the reader is gone. */
  open(scope: Scope, query: URLSearchParams, signal: AbortSignal): Promise<AsyncIterable<string>>;
}

export interface DownloadOptions {
  readonly pipeline: Pipeline;
  readonly addresses: Addresses;
  readonly clock: Clock;
  /** A reader whose buffered bytes do not become fewer for this long is cut. */
  readonly undrainedMs: number;
}

/** Downloads of this process at a time; each holds a page of rows and no connection. */
const mostAtOnce = 16;
/** Of one tenant, so that none takes them all. */
const mostOfTenant = 4;

/** Sends downloads part by part, as fast as they are taken. One that cannot be finished is cut, so that nobody takes it for whole. */
export class Downloads {
  /** With the tenant whose it is. */
  private readonly running = new Map<AbortController, string>();
  private readonly drained: DrainWatch;

  constructor(private readonly options: DownloadOptions) {
    this.drained = new DrainWatch(options.clock, options.undrainedMs);
  }

  async answer(download: Download, request: FastifyRequest, reply: FastifyReply): Promise<void> {
    const { pipeline, addresses } = this.options;
    let caller: Caller | null = null;
    const stopper = new AbortController();
    let parts: AsyncIterable<string>;
    let scope: Scope;
    try {
      caller = await callerOf(pipeline, addresses, request);
      const refused = await pipeline.count(caller, (left) => void reply.headers(left));
      if (refused) {
        fail(reply, refused.errors);
        return;
      }
      this.enter(stopper, caller.scope);
      const query = new URLSearchParams(request.url.split('?')[1] ?? '');
      scope = scopeOf(caller);
      scope.require(download.permission);
      parts = await download.open(scope, query, stopper.signal);
    } catch (error) {
      this.running.delete(stopper);
      const shown = maskError(error, pipeline.maskOf(request.id));
      fail(reply, caller ? pipeline.refused(caller, [shown]).errors : [shown]);
      return;
    }
    this.send(reply.header('content-type', download.mediaType), parts, { scope, permission: download.permission, stopper });
  }

  /** Cuts all that run; clients come back, to another process. */
  close(): void {
    for (const stopper of this.running.keys()) stopper.abort();
    this.drained.close();
  }

  private enter(stopper: AbortController, { tenantId }: Scope): void {
    const own = [...this.running.values()].filter((other) => other === tenantId).length;
    if (own >= mostOfTenant) {
      const message = `the limit of ${mostOfTenant} downloads of a tenant at a time is reached: end one, or come back`;
      throw new AppError('RATE_LIMITED', message, { retryAfterMs: 5_000 });
    }
    if (this.running.size >= mostAtOnce)
      throw new AppError('UNAVAILABLE', 'too many downloads are running; come back', { retryAfterMs: 5_000 });
    this.running.set(stopper, tenantId);
  }

  private send(
    reply: FastifyReply,
    parts: AsyncIterable<string>,
    { scope, permission, stopper }: { scope: Scope; permission: Permission; stopper: AbortController },
  ): void {
    const { pipeline } = this.options;
    const { raw: response } = reply;
    // One part is made while another is on its way.
    const body = Readable.from(parts, { highWaterMark: 1 });
    // The status has gone: what is wrong is for our log, and the reader is cut.
    body.once('error', (error) => maskError(error, pipeline.maskOf(scope.origin?.requestId ?? '')));
    const cut = (): void => void response.destroy();
    const outlet = { buffered: () => response.writableLength, onUndrained: cut };
    const onChange = (): void => void (scope.can(permission) || cut());
    const unwatch = pipeline.watch(scope, { onEnd: cut, onChange });
    const onClose = (): void => {
      stopper.signal.removeEventListener('abort', cut);
      stopper.abort();
      body.destroy();
      unwatch();
      this.drained.delete(outlet);
      this.running.delete(stopper);
    };
    this.drained.add(outlet);
    stopper.signal.addEventListener('abort', cut);
    response.once('close', onClose);
    // Its reader may have gone, or we may be stopping, since it was opened: no event comes for that any more.
    if (response.closed) onClose();
    else if (stopper.signal.aborted) cut();
    // Not awaited: that would wait for its end.
    void reply.send(body);
  }
}

function fail(reply: FastifyReply, errors: readonly GraphQLError[]): void {
  const { status, headers } = headOf(errors);
  void reply.code(status).headers(headers).header('content-type', 'application/json; charset=utf-8').send({ errors });
}
