import { Counter, type Registry } from 'prom-client';

/** Counts what the limits let in and what they refused. */
export function countAdmissions(registry: Registry): Counter<'kind' | 'outcome'> {
  return new Counter({
    name: 'draftwire_admissions_total',
    help: 'Requests, starts of generations, sockets and subscriptions that a limit decided about.',
    labelNames: ['kind', 'outcome'],
    registers: [registry],
  });
}
