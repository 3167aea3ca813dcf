import { collectDefaultMetrics, Registry } from 'prom-client';

/** The numbers of one app. Each app has its own registry: many live in one process under test. */
export interface Metrics {
  readonly registry: Registry;
  readonly contentType: string;
  /** All metrics in the Prometheus text format. */
  text(): Promise<string>;
}

export interface MetricsConfig {
  /** Also CPU, memory, garbage collection and event loop of this process; once per process. */
  readonly hasProcessMetrics: boolean;
}

/** How often the delay of the event loop is measured, in milliseconds: each time wakes a process that has nothing to do. */
const loopMs = 50;

// Gauges that prom-client names like counters, which `promtool check metrics` refuses.
const misnamed = ['nodejs_active_handles_total', 'nodejs_active_requests_total', 'nodejs_active_resources_total'];

/** Opens an empty registry. Whoever hosts `/metrics` prints it. */
export function openMetrics(config: MetricsConfig): Metrics {
  const registry = new Registry();
  if (config.hasProcessMetrics) {
    collectDefaultMetrics({ register: registry, eventLoopMonitoringPrecision: loopMs });
    for (const name of misnamed) registry.removeSingleMetric(name);
  }
  return { registry, contentType: registry.contentType, text: () => registry.metrics() };
}
