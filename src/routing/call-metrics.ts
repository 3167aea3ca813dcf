import { Counter, Gauge, type Registry } from 'prom-client';
import type { ProviderErrorCode } from '../providers/port.ts';
import type { HealthService } from './health.service.ts';
import type { Models } from './models.ts';
import type { Places } from './places.ts';

/** How a call went: well, by the failure it had, given up by its caller, or not made at all. */
export type CallOutcome = 'OK' | ProviderErrorCode | 'ABANDONED' | 'BREAKER_OPEN' | 'NO_PLACE';

/** Counts calls to models. */
export interface CallCounter {
  count(provider: string, model: string, outcome: CallOutcome): void;
}

interface Observed {
  readonly models: Models;
  readonly health: HealthService;
  readonly places: Places;
}

/** What a breaker's state is as a number. */
const numberOfState = { CLOSED: 0, HALF_OPEN: 1, OPEN: 2 } as const;
/** In the place of names that nobody listed: callers can make them up. */
const other = 'other';

/** Counts calls by model and outcome; a model that is not in the catalogue is its provider's `other`. */
export function countCalls(registry: Registry, models: Models): CallCounter {
  const counter = new Counter({
    name: 'draftwire_model_calls_total',
    help: 'Calls to models by outcome; BREAKER_OPEN and NO_PLACE were not made.',
    labelNames: ['provider', 'model', 'outcome'],
    registers: [registry],
  });
  const listed = new Set(models.known);
  return { count: (provider, model, outcome) => counter.inc({ provider, model: listed.has(model) ? model : other, outcome }) };
}

/** Adds how the models of the catalogue do, and how many calls are under way. */
export function observeHealth(registry: Registry, { models, health, places }: Observed): void {
  registry.registerMetric(
    new Gauge({
      name: 'draftwire_breaker_state',
      help: 'The circuit breaker of a model: 0 closed, 1 half-open, 2 open.',
      labelNames: ['model'],
      registers: [],
      collect() {
        for (const model of models.known) this.set({ model }, numberOfState[health.healthOf(model).state]);
      },
    }),
  );
  registry.registerMetric(
    new Gauge({
      name: 'draftwire_model_calls_running',
      help: 'Calls to models that this process makes now.',
      labelNames: ['provider'],
      registers: [],
      collect() {
        for (const { id } of models.providers) this.set({ provider: id }, places.taken(id));
      },
    }),
  );
}
