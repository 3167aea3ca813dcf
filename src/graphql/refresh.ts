import { randomUUID } from 'node:crypto';
import { GraphQLError } from 'graphql';
import { isObject } from '../kernel/object.ts';
import type { Scope } from '../kernel/scope.ts';
import type { Pipeline } from './execute.ts';
import { maskError, refusal } from './masking.ts';
import type { Session } from './session.ts';

/** The payload of a message of the protocol. */
export type Payload = Readonly<Record<string, unknown>>;

/**
 * A fresh token on an open socket: `{ "type": "ping", "payload": { "authorization": "Bearer ..." } }`. It must be of the same person in the same
 * tenant; what runs goes on without a gap as far as the token covers it. The pong says until when, `{ "expiresAt": "2030-01-01T00:00:00.000Z" }`
 * (null for a key without an end), or why not, `{ "errors": [...] }`, and then nothing has changed. Any other ping is answered with its own payload.
 */
export class Refresh {
  private isBusy = false;

  constructor(
    private readonly pipeline: Pipeline,
    /** Where the socket comes from. */
    private readonly address: string,
  ) {}

  /** What the pong carries; undefined for nothing. Never rejects. */
  async answer(session: Session | null, payload: Payload | undefined): Promise<Payload | undefined> {
    const authorization = authorizationOf(payload);
    if (authorization === null) return payload;
    if (!session) return this.refused(refusal('UNAUTHENTICATED', 'the connection proved nobody'));
    if (this.isBusy) return this.refused(refusal('LIMIT_EXCEEDED', 'one fresh token at a time'));
    this.isBusy = true;
    const requestId = randomUUID();
    const caller = { transport: 'websocket', scope: session.scope, requestId, address: this.address } as const;
    try {
      const scope = await this.pipeline.authenticate({ authorization }, 'websocket', requestId, this.address);
      const limited = await this.pipeline.count({ transport: 'websocket', scope, requestId, address: this.address });
      if (limited) return { errors: limited.errors };
      session.replace(scope);
      return { expiresAt: endOf(scope) };
    } catch (error) {
      // What authenticate throws is counted and fit to be shown.
      if (error instanceof GraphQLError) return { errors: [error] };
      return { ...this.pipeline.refused(caller, [maskError(error, this.pipeline.maskOf(requestId))]) };
    } finally {
      this.isBusy = false;
    }
  }

  private refused(error: GraphQLError): Payload {
    return { ...this.pipeline.refused({ transport: 'websocket' }, [error]) };
  }
}

/** What somebody shows in a payload to prove who they are; null for nothing. */
export function authorizationOf(payload: unknown): string | null {
  const values = Object.entries(isObject(payload) ? payload : {}).flatMap(([name, value]) =>
    name.toLowerCase() === 'authorization' && typeof value === 'string' ? [value] : [],
  );
  // Two are no key, as over HTTP.
  return values.length === 0 ? null : values.join(', ');
}

/** Until when a proof says that it is good; null for one that does not say. */
export function endOf({ proof }: Scope): Date | null {
  return proof.kind === 'token' ? proof.expiresAt : null;
}
