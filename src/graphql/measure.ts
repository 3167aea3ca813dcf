import { createCounter, createHistogram, usePrometheus } from '@envelop/prometheus';
import type { Plugin } from '@envelop/core';
import { Counter, Gauge, type Registry } from 'prom-client';
import type { OperationContext } from './context.ts';

/** What the pipeline and the transports count. Label values are bounded: names that clients make up become `other`. */
export interface OperationMetrics {
  /** Counts and times every operation of every transport, and failed parses and validations. */
  readonly plugin: Plugin;
  /** Requests refused before they ran, by code. */
  readonly refused: Counter<'transport' | 'code'>;
  /** Open connections of the streaming transports. */
  readonly connections: Gauge<'transport'>;
  /** Subscriptions that are running. */
  readonly subscriptions: Gauge<'transport'>;
}

const labelNames = ['operation_name', 'operation_type', 'transport'] as const;
const seconds = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];

function labelsOf(context: unknown): Record<(typeof labelNames)[number], string> {
  const { operationName, operationType, transport } = context as OperationContext;
  return { operation_name: operationName, operation_type: operationType, transport };
}

/** Registers the metrics of the GraphQL pipeline; once per registry. */
export function measureOperations(registry: Registry): OperationMetrics {
  const fillLabelsFn = (_params: unknown, context: unknown) => labelsOf(context);
  const time = <Phase>(name: string, help: string) => {
    const histogram = { name, help, labelNames: [...labelNames], buckets: seconds };
    return createHistogram<Phase, (typeof labelNames)[number]>({ registry, histogram, fillLabelsFn });
  };
  // What is only found again takes no time that is worth the time to write it down.
  const shouldObserve = (_params: unknown, context: unknown) => !(context as OperationContext).isKnown;
  const plugin = usePrometheus({
    registry,
    metrics: {
      graphql_envelop_request: createCounter({
        registry,
        counter: {
          name: 'graphql_operations_total',
          help: 'Operations that ran, failed ones too; subscriptions count when they end.',
          labelNames: [...labelNames],
        },
        fillLabelsFn,
        shouldObserve: () => true,
      }),
      graphql_envelop_request_duration: {
        ...time(
          'graphql_operation_duration_seconds',
          'Time from the start of the execution of a query or mutation to its result.',
        ),
        phases: ['execute'],
      },
      graphql_envelop_phase_parse: {
        ...time('graphql_parse_duration_seconds', 'Time to parse a document that was not parsed before.'),
        shouldObserve,
      },
      graphql_envelop_phase_validate: {
        ...time('graphql_validate_duration_seconds', 'Time to validate a document that was not parsed before.'),
        shouldObserve,
      },
      graphql_envelop_error_result: createCounter({
        registry,
        counter: {
          name: 'graphql_errors_total',
          help: 'Errors in results, and documents that could not be parsed or validated, by phase.',
          labelNames: [...labelNames, 'phase'],
        },
        fillLabelsFn: (params: { errorPhase?: string }, context: unknown) => ({
          ...labelsOf(context),
          phase: params.errorPhase ?? 'subscribe',
        }),
        shouldObserve: () => true,
      }),
    },
  });
  return {
    plugin,
    refused: new Counter({
      name: 'graphql_refused_requests_total',
      help: 'Requests that were refused before they ran, by error code.',
      labelNames: ['transport', 'code'],
      registers: [registry],
    }),
    connections: new Gauge({
      name: 'graphql_open_connections',
      help: 'Open connections of the streaming transports.',
      labelNames: ['transport'],
      registers: [registry],
    }),
    subscriptions: new Gauge({
      name: 'graphql_running_subscriptions',
      help: 'Subscriptions that are running.',
      labelNames: ['transport'],
      registers: [registry],
    }),
  };
}
