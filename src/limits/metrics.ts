import { Counter, type Registry } from 'prom-client';

type Outcomes = Readonly<Record<'admitted' | 'refused', { inc(): void }>>;

/** What the limits let in and what they refused, by what was asked. */
export type Admissions = Readonly<Record<'requests' | 'starts' | 'cost' | 'generations' | 'sockets' | 'subscriptions', Outcomes>>;

/** Counts what the limits let in and what they refused. */
export function countAdmissions(registry: Registry): Admissions {
  const counter = new Counter({
    name: 'draftwire_admissions_total',
    help: 'Requests, starts of generations, sockets and subscriptions that a limit decided about.',
    labelNames: ['kind', 'outcome'],
    registers: [registry],
  });
  const outcomesOf = (kind: keyof Admissions): Outcomes => ({
    admitted: counter.labels({ kind, outcome: 'admitted' }),
    refused: counter.labels({ kind, outcome: 'refused' }),
  });
  return {
    requests: outcomesOf('requests'),
    starts: outcomesOf('starts'),
    cost: outcomesOf('cost'),
    generations: outcomesOf('generations'),
    sockets: outcomesOf('sockets'),
    subscriptions: outcomesOf('subscriptions'),
  };
}
