import type { TestApp } from './app.ts';
import { uuidOf } from '../../src/db/ids.ts';

/** An entry of the audit log as a test looks at it. */
export interface Trace {
  readonly operation: string;
  readonly actor: string;
  readonly proof_kind: string;
  readonly proof_id: string;
  readonly thing: string | null;
  readonly before: Readonly<Record<string, unknown>> | null;
  readonly after: Readonly<Record<string, unknown>> | null;
}

/** What is on record of a tenant, in the order in which it came. */
export function trailOf(app: Pick<TestApp, 'sql'>, tenantId: string): Promise<Trace[]> {
  return app.sql<Trace>`
    select operation, actor, proof_kind, proof_id, thing, before, after from audit_entries
    where tenant_id = ${uuidOf(tenantId)} order by id`;
}

/** How a deed of a service is told. */
export function byService(service: string, operation: string, rest: Partial<Trace>): Trace {
  const told = { thing: null, before: null, after: null, ...rest };
  return { operation, actor: `service_${service}`, proof_kind: 'service', proof_id: service, ...told };
}
