import { mkdir } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { AcceptanceService } from './access/acceptance.service.ts';
import { AccessWatch } from './access/access-watch.ts';
import { ApiKeyService } from './access/api-key.service.ts';
import { authenticateBy } from './access/authenticate.ts';
import { openDevelopmentKey } from './access/development-key.ts';
import { InvitationService } from './access/invitation.service.ts';
import { KeyService } from './access/key.service.ts';
import { IssuerKeys } from './access/issuer-keys.ts';
import { IssuerService } from './access/issuer.service.ts';
import { LastUse } from './access/last-use.ts';
import { TenantCreationService } from './access/tenant-creation.service.ts';
import { TokenWatch } from './access/token-watch.ts';
import { TokenService } from './access/token.service.ts';
import { MemberService } from './access/member.service.ts';
import { RoleService } from './access/role.service.ts';
import { ActService } from './audit/act.service.ts';
import { AuditService } from './audit/audit.service.ts';
import { HeadSeal } from './audit/chain.ts';
import { auditDownload } from './audit/ndjson.ts';
import { RefusalCounter } from './audit/refusals.ts';
import { Sealer } from './audit/sealer.ts';
import { AuditTail } from './audit/tail.ts';
import { BudgetService } from './budgets/budget.service.ts';
import { LedgerService } from './budgets/ledger.service.ts';
import { TrialAccountsService } from './budgets/trial-accounts.service.ts';
import * as operations from './client/operations.ts';
import { CacheService } from './caching/cache.service.ts';
import { settingsOf, type Config } from './config.ts';
import { databaseDefaults, openDatabase, type DatabaseConfig } from './db/client.ts';
import { openEmbedded } from './db/embedded.ts';
import { assertMigrated, migrate } from './db/migrate.ts';
import { Engine } from './generations/engine.ts';
import { Follower } from './generations/follow.ts';
import { patientMutations } from './generations/generation.resolver.ts';
import { GenerationService } from './generations/generation.service.ts';
import { observeGenerations } from './generations/metrics.ts';
import { StreamService } from './generations/stream.service.ts';
import { Purger } from './generations/purge.ts';
import { buildPipeline } from './graphql/execute.ts';
import { operationNames } from './graphql/operation-names.ts';
import type { PipelineOptions } from './graphql/pipeline-options.ts';
import { listen, type ConnectionLimits } from './graphql/server.ts';
import { systemClock, type Clock } from './kernel/clock.ts';
import { GuardService } from './guards/guard.service.ts';
import { warmMasking } from './guards/warm.ts';
import { LimitSettingService } from './limits/limit-setting.service.ts';
import { LimitService } from './limits/limit.service.ts';
import { CallSlotService } from './limits/call-slot.service.ts';
import { ProcessLease } from './limits/process-lease.ts';
import { SlotService } from './limits/slot.service.ts';
import { Lifecycle } from './kernel/lifecycle.ts';
import { openDial } from './kernel/outbound-dial.ts';
import { outboundRules } from './kernel/outbound-rules.ts';
import { openOutbound } from './kernel/outbound.ts';
import type { Log } from './kernel/log.ts';
import { asSet } from './kernel/setting.ts';
import { DeliveryWindow } from './kernel/window.ts';
import { Bus } from './messages/bus.ts';
import { PostgresBus } from './messages/postgres-bus.ts';
import { openMetrics } from './monitoring/metrics.ts';
import { guardedHttp } from './providers/guarded-http.ts';
import { LeanHttp } from './providers/http.ts';
import { openProviders } from './providers/list.ts';
import type { Provider } from './providers/port.ts';
import { countCalls, observeHealth } from './routing/call-metrics.ts';
import { GateService } from './routing/gate.service.ts';
import { HealthService } from './routing/health.service.ts';
import { ModelSettingService } from './routing/model-setting.service.ts';
import { autoRoute, Models } from './routing/models.ts';
import { Places } from './routing/places.ts';
import { RoutePlanService } from './routing/route-plan.service.ts';
import { RouteTimesService } from './routing/route-times.service.ts';
import { RouteService } from './routing/route.service.ts';
import { RouteTrialService } from './routing/route-trial.service.ts';
import { buildSchemas } from './schema.ts';
import { readLibrary } from './templates/library.ts';
import { TemplateService } from './templates/template.service.ts';
import { TenantService } from './tenants/tenant.service.ts';
import { UsageService } from './usage/usage.service.ts';
import { openDevelopmentMasterKey } from './vault/development-master-key.ts';
import { ProviderCredentialTestService } from './vault/provider-credential-test.service.ts';
import { ProviderCredentialService } from './vault/provider-credential.service.ts';
import { ProviderKeyService } from './vault/provider-key.service.ts';
import { VaultService } from './vault/vault.service.ts';

/** What surrounds an app: the real world, unless a test brings another. */
export interface Surroundings {
  readonly log: Log;
  readonly clock?: Clock;
  /** Added to those that the configuration names. */
  readonly providers?: readonly Provider[];
  readonly connectionLimits?: Partial<ConnectionLimits>;
  /** Takes the place of what decides about callers: benchmarks find out what that costs. */
  readonly pipeline?: Partial<PipelineOptions>;
  readonly openDatabase?: typeof openDatabase;
  /** The template library; the product's own when absent. */
  readonly libraryDir?: string;
  /** Process metrics are collected once per process. */
  readonly hasProcessMetrics?: boolean;
}

/** A running Draftwire. */
export interface App {
  readonly url: string;
  /** The key of the development tenant; null in production. */
  readonly developmentKey: string | null;
  /** Stops taking work, drains, closes everything; resolves with what could not be stopped. */
  stop(): Promise<readonly Error[]>;
}

const ownLibraryDir = fileURLToPath(new URL('../templates', import.meta.url));

/** So long a stop waits, part by part, for what is good to have told the database and can be lost. */
const lastWordsMs = 1_500;

/** Opens everything, in order; whatever was opened is closed again when a later part fails. One straight line. */
export async function openApp(config: Config, surroundings: Surroundings): Promise<App> {
  const {
    log,
    clock = systemClock,
    providers: extraProviders = [],
    connectionLimits = {},
    pipeline: pipelineOptions = {},
    openDatabase: open = openDatabase,
    libraryDir = ownLibraryDir,
    hasProcessMetrics = false,
  } = surroundings;
  const life = new Lifecycle(log);
  try {
    const library = await readLibrary(libraryDir);
    const providers = [...extraProviders, ...openProviders(config.providers)];
    // A list of prices for all vendors is 0.8 MB of code: not for those who have none.
    const isPaid = providers.some(({ endpoint }) => endpoint !== undefined);
    const listedPrice = isPaid ? (await import('./routing/price-list.ts')).listedPrice : undefined;
    const models = new Models(providers, config.defaultModel, { clock, listedPrice });
    const [first] = models.plan(autoRoute).models;
    await (first === undefined ? null : models.find(first)?.provider.prepare?.());
    if (providers.some(({ ignoresMessages }) => ignoresMessages !== true)) warmMasking();
    const metrics = openMetrics({ hasProcessMetrics });

    await asSet(`DATA_DIR ${config.dataDir}`, () => mkdir(config.dataDir, { recursive: true }));
    const databaseConfig = config.database ?? (await openOwnDatabase(config, life, log));
    const ownerUrl = databaseConfig.ownerUrl ?? databaseConfig.url;
    const { databaseSetting, ownerSetting } = settingsOf(config);
    if (!config.isProduction || config.database === null) {
      await asSet(ownerSetting, () => migrate(ownerUrl, { loginUrl: databaseConfig.url }));
    }
    const database = await asSet(databaseSetting, () => open(databaseConfig, { log, clock }));
    life.onStop('database', () => database.close());
    await assertMigrated(database);

    const bus = new Bus(log);
    const modelSettings = new ModelSettingService({ database, models, bus, log });
    await modelSettings.open();
    life.onStop('settings of models', () => modelSettings.close(), lastWordsMs);
    const hints = await PostgresBus.open(database, bus, log);
    life.onStop('hints', () => hints.stop());

    const masterKeys = config.masterKeys ?? (config.isProduction ? [] : await openDevelopmentMasterKey(config.dataDir));
    const vault = new VaultService({ database, masterKeys, log });
    await vault.assertReadable({ isFatal: config.isProduction });
    const outbound = outboundRules(config.outboundAllow);
    const window = new DeliveryWindow(config.engine.windowMs, () => engine.runningCount);
    const httpOf = guardedHttp(window, openDial(outbound));
    const providerKeys = new ProviderKeyService({ database, vault, clock, log, httpOf });
    bus.forgetOn(providerKeys, 'credential.changed');

    const health = new HealthService({ database, bus, clock, log, models, openMs: config.calls.breakerOpenMs });
    await health.open();
    life.onStop('health of models', () => health.close(), lastWordsMs);
    const lease = life.open(
      'lease of this process',
      new ProcessLease(config.engine.leaseMs, { database, clock, log }),
      lastWordsMs,
    );
    const callSlots = life.open('slots of calls', new CallSlotService({ database, clock, log, bus, lease }), lastWordsMs);
    const places = new Places(config.calls.places, callSlots);
    const gate = new GateService({ health, places, calls: countCalls(metrics.registry, models), clock });
    observeHealth(metrics.registry, { models, health, places });

    const follower: Follower = new Follower({ database, bus, log, findRun: (id) => engine.findRun(id) });
    const ledger = new LedgerService({ models, bus, clock });
    const providerHttp = new LeanHttp(window);
    const routeTimes = life.open('times of routes', new RouteTimesService({ database, log }), lastWordsMs);
    const calling = { keys: providerKeys, gate, routeTimes, ledger, http: providerHttp, window };
    const readers = { audience: follower, readers: follower };
    const engine: Engine = new Engine(config.engine, { ...calling, ...readers, database, models, bus, clock, log });
    follower.open();
    life.onStop('readers', () => follower.close());
    life.open('purger', new Purger({ database, ledger, bus, log }), lastWordsMs);
    engine.open();
    life.onStop('generations', () => engine.drain());
    observeGenerations(metrics.registry, { engine, follower });

    const templates = new TemplateService(database, library, config.secret);
    await templates.storeLibrary();
    const acts = new ActService(database, config.secret);
    const refusals = life.open('refused acts', new RefusalCounter({ database, pseudonyms: acts.pseudonyms, log }), lastWordsMs);
    const headSeal = new HeadSeal(config.secret);
    life.open('sealer of the audit log', new Sealer({ database, seal: headSeal, bus, log }), lastWordsMs);
    const auditTail = life.open('readers of the audit log', new AuditTail(bus));
    const audit = new AuditService({ database, pseudonyms: acts.pseudonyms, seal: headSeal, tail: auditTail, clock });
    const tenants = new TenantService({ database, acts, bus });
    const { secret, tenantsPerDay: mostADay } = config;
    const tenantCreations = new TenantCreationService({ database, acts, secret, mostADay });
    const lastUse = life.open('last use of keys', new LastUse({ database, log }), lastWordsMs);
    const keys = new KeyService(database, config.secret, (id) => lastUse.note(id));
    bus.forgetOn(keys, 'key.changed', 'access.changed');
    const watch = life.open(
      'watch over access',
      new AccessWatch({ bus, clock, log, looks: { key: keys.look }, onNews: (ids) => keys.forget(ids) }),
      lastWordsMs,
    );
    const apiKeys = new ApiKeyService({ database, secret: config.secret, bus, clock, acts });
    const callOut = openOutbound(outbound);
    const issuerKeys = new IssuerKeys({ callOut, clock, log });
    const issuers = new IssuerService({ database, acts, keys: issuerKeys, bus, clock });
    const tokens = new TokenService({ database, acts, keys: issuerKeys, clock });
    bus.forgetOn(tokens, 'issuer.changed', 'access.changed');
    const tokenWatch = life.open(
      'watch over tokens',
      new TokenWatch({ database, bus, clock, log, onNews: (ids) => tokens.forget(ids) }),
      lastWordsMs,
    );
    const roles = new RoleService({ database, acts, bus });
    const members = new MemberService({ database, acts, bus });
    const invitations = new InvitationService({ database, acts, secret: config.secret, clock });
    const acceptances = new AcceptanceService({ database, acts, secret: config.secret });
    const limits = new LimitService({
      database,
      clock,
      registry: metrics.registry,
      limits: config.limits,
      cost: config.queryCost,
    });
    life.onStop('limits', () => limits.close(), lastWordsMs);
    bus.forgetOn(limits.policy, 'limits.changed');
    const { policy, admissions } = limits;
    const slots = life.open('slots', new SlotService({ database, clock, log, bus, policy, admissions, lease }), lastWordsMs);
    const limitSettings = new LimitSettingService({ database, policy, slots, acts, bus });
    const world = {
      random: Math.random,
      latencyMs: (model: string) => health.latencyMs(model),
      blockedUntil: (model: string) => health.blockedUntil(model),
    };
    const plans = new RoutePlanService({ database, models, clock, log, world });
    bus.forgetOn(plans, 'route.changed');
    const routes = new RouteService({ database, acts, bus, models, plans });
    const calls = { keys: providerKeys, acts, clock, http: providerHttp };
    const accounts = new TrialAccountsService({ database, ledger });
    const routeTrials = new RouteTrialService({ ...calls, gate, plans, models, templates, people: tenants, accounts });
    const guards = new GuardService(database, clock);
    bus.forgetOn(guards, 'tenant.changed');
    const caches = new CacheService({ database, clock, models, keys: providerKeys, writtenForMs: config.engine.totalTimeoutMs });
    bus.forgetOn(caches, 'tenant.changed');
    const written = { database, templates, routes: plans, engine, bus, clock, limits, guards, ledger, acts, caches };
    const generations = new GenerationService(written);
    // Without them a tenant's key would go where it is not meant for, and could not be tested.
    const takers = models.providers.filter(({ takesKeys, at, listModels }) => takesKeys && at && listModels).map(({ id }) => id);
    const credentials = new ProviderCredentialService({ database, acts, vault, bus, providers: takers, outbound });
    const credentialTests = new ProviderCredentialTestService({ ...calls, credentials, providers: models.providers });
    const streams = new StreamService({ database, follower, generations, clock });
    const developmentKey = config.isProduction ? null : await openDevelopmentKey(keys, config.dataDir);

    const { subgraph } = buildSchemas({
      generations,
      streams,
      templates,
      tenants,
      tenantCreations,
      models,
      health,
      routes,
      routeTrials,
      apiKeys,
      issuers,
      roles,
      members,
      invitations,
      acceptances,
      audit,
      database,
      credentials,
      credentialTests,
      limitSettings,
      usage: new UsageService(database),
      budgets: new BudgetService({ database, acts, ledger, clock }),
    });
    const pipeline = buildPipeline({
      schema: subgraph,
      authenticate: authenticateBy(acceptances, keys, tokens),
      watch: (scope, events) => (scope.proof.kind === 'token' ? tokenWatch : watch).watch(scope, events),
      admit: (scope, costOf, begunOf) => limits.admit(scope, costOf, begunOf),
      enter: (scope, place, onLost) => slots.enter(scope, place, onLost),
      onRefused: (scope, operation, code) => refusals.note(scope, operation, code),
      patientMutations,
      log,
      registry: metrics.registry,
      knownOperations: operationNames(operations),
      trustedDocuments: config.trustedDocuments,
      ...pipelineOptions,
    });
    const server = await asSet(`HOST ${config.http.host}, PORT ${config.http.port}`, () =>
      listen({
        host: config.http.host,
        port: config.http.port,
        pipeline,
        log,
        metrics,
        metricsToken: config.http.metricsToken,
        usageReporting: config.usageReporting,
        readiness: async () => {
          const isReady = await database.ping().then(
            () => true,
            () => false,
          );
          return {
            isReady,
            detail: { database: isReady, running: engine.runningCount, readers: follower.readerCount, role: config.role },
          };
        },
        allowedOrigins: config.http.allowedOrigins,
        trustedProxies: config.http.trustedProxies,
        isDevelopment: !config.isProduction,
        developmentKey,
        limits: { perAddress: config.http.maxPerAddress, ...connectionLimits },
        downloads: [auditDownload(audit)],
        clock,
      }),
    );
    life.onStop('http', () => server.close());
    // While runs come to their end the process goes on answering: not ready, no new work, readers sent away.
    life.onStop('work of this process', () => {
      engine.stopAccepting();
      server.beginDrain();
      return engine.drain();
    });
    return { url: server.url, developmentKey, stop: () => life.stop(config.stopDeadlineMs) };
  } catch (error) {
    await life.stop(config.stopDeadlineMs);
    throw error;
  }
}

async function openOwnDatabase(config: Config, life: Lifecycle, log: Log): Promise<DatabaseConfig> {
  const embedded = await openEmbedded({ dataDir: config.dataDir, log });
  life.onStop('embedded database', () => embedded.stop());
  return { ...databaseDefaults, url: embedded.url, socketPath: embedded.socketPath };
}
