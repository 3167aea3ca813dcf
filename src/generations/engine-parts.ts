import type { LedgerService } from '../budgets/ledger.service.ts';
import type { Database } from '../db/client.ts';
import type { Clock } from '../kernel/clock.ts';
import type { Log } from '../kernel/log.ts';
import type { Window } from '../kernel/window.ts';
import type { Bus } from '../messages/bus.ts';
import type { ProviderHttp } from '../providers/port.ts';
import type { GateService } from '../routing/gate.service.ts';
import type { Models } from '../routing/models.ts';
import type { RouteTimesService } from '../routing/route-times.service.ts';
import type { ProviderKeyService } from '../vault/provider-key.service.ts';
import type { Follower } from './follow.ts';
import type { Story } from './story.ts';

/** Times in milliseconds. */
export interface EngineConfig {
  readonly leaseMs: number;
  readonly totalTimeoutMs: number;
  readonly firstTokenTimeoutMs: number;
  readonly idleTimeoutMs: number;
  /** The delivery window of a process with few streams. */
  readonly windowMs: number;
  /** How long a stopping process goes on writing before it gives its generations away. */
  readonly drainTimeoutMs: number;
  readonly maxRunning: number;
}

/** What the engine tells readers of this process. */
export interface Audience {
  /** There is more to deliver, or an attempt began. */
  changed(id: string): void;
  /** This process no longer has the run; `story` is its committed end, or null when the store has to be asked. */
  left(id: string, story: Story | null): void;
}

/** What the engine is built on. */
export interface EngineParts {
  readonly database: Database;
  readonly models: Models;
  /** Tenants' own keys for providers. */
  readonly keys: ProviderKeyService;
  readonly gate: GateService;
  /** Told how long the calls of routes that hedge take. */
  readonly routeTimes: Pick<RouteTimesService, 'took'>;
  readonly ledger: LedgerService;
  readonly bus: Bus;
  readonly audience: Audience;
  /** Through whom copies read. */
  readonly readers: Pick<Follower, 'follow'>;
  readonly clock: Clock;
  readonly log: Log;
  /** How calls go out, but those to addresses that tenants named. */
  readonly http: ProviderHttp;
  /** The delivery window: a run's first text goes out at once, later text at most this much later. */
  readonly window: Window;
}
