/** Every message the bus carries. Each names things by id; a message is a hint, never the truth. */
export const messageKinds = {
  /** Text was stored or an attempt began; sent only while someone on another process watches. */
  'generation.changed': true,
  /** It has a final status. */
  'generation.finished': true,
  /** Someone asked to cancel it. */
  'generation.cancelRequested': true,
  /** It waits for a process: queued, or given back by one that is stopping. */
  'generation.waiting': true,
  /** A process without it has readers for it. */
  'generation.watched': true,
  /** An API key was revoked, or its end was moved. */
  'key.changed': true,
  /** What the tokens of an issuer prove was changed, or they prove nothing any more. */
  'issuer.changed': true,
  /** What members may do has changed, or whether they are let in: ids of members, and of tenants for everybody in them. */
  'access.changed': true,
  /** Entries of a tenant's audit log were sealed. */
  'audit.sealed': true,
  /** A key of a tenant for a provider was set or deleted; the ids are the tenants'. */
  'credential.changed': true,
  /** Routes of a tenant are others now; the ids are the tenants'. */
  'route.changed': true,
  /** Settings of a tenant are others now. */
  'tenant.changed': true,
  /** What is settled under budgets has come to their soft limits; once for each time it does. */
  'budget.softReached': true,
  /** Circuit breakers of models opened or closed; the ids are the models'. */
  'health.changed': true,
  /** What an operator says of models is something else now; the ids are the models'. */
  'model.changed': true,
  /** Limits of a tenant or key are others now. */
  'limits.changed': true,
  /** A process found no slot for a socket or subscription of this member, key or tenant, or for a call to this provider: none are to be held in reserve. */
  'slots.wanted': true,
} as const;

export type MessageKind = keyof typeof messageKinds;

export interface Message {
  readonly kind: MessageKind;
  readonly ids: readonly string[];
  /** Whether another process sent it. */
  readonly isRemote: boolean;
}
