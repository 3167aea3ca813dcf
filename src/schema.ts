import type { GraphQLSchema } from 'graphql';
import type { AcceptanceService } from './access/acceptance.service.ts';
import { ApiKeyResolver } from './access/api-key.resolver.ts';
import type { ApiKeyService } from './access/api-key.service.ts';
import { ApiKey } from './access/api-key.type.ts';
import { IssuerResolver } from './access/issuer.resolver.ts';
import type { IssuerService } from './access/issuer.service.ts';
import { Issuer } from './access/issuer.type.ts';
import { ExplainResolver } from './access/explain.resolver.ts';
import { ExplainService } from './access/explain.service.ts';
import { InvitationResolver } from './access/invitation.resolver.ts';
import type { InvitationService } from './access/invitation.service.ts';
import { Invitation } from './access/invitation.type.ts';
import { MemberResolver } from './access/member.resolver.ts';
import type { MemberService } from './access/member.service.ts';
import { RoleResolver } from './access/role.resolver.ts';
import type { RoleService } from './access/role.service.ts';
import { Role } from './access/role.type.ts';
import { TenantCreationResolver } from './access/tenant-creation.resolver.ts';
import type { TenantCreationService } from './access/tenant-creation.service.ts';
import { BudgetResolver } from './budgets/budget.resolver.ts';
import type { BudgetService } from './budgets/budget.service.ts';
import { Budget } from './budgets/budget.type.ts';
import type { Database } from './db/client.ts';
import { AuditResolver } from './audit/audit.resolver.ts';
import type { AuditService } from './audit/audit.service.ts';
import { AuditEntry } from './audit/audit.type.ts';
import { GenerationResolver } from './generations/generation.resolver.ts';
import type { GenerationService } from './generations/generation.service.ts';
import {
  GenerationDelta,
  GenerationFinished,
  GenerationRestarted,
  GenerationStarted,
  typeOfMessage,
} from './generations/generation.type.ts';
import type { StreamService } from './generations/stream.service.ts';
import { NodeResolver, typeOfNode } from './graphql/node.ts';
import { buildApiSchema, buildSubgraph, printApi, printSubgraph } from './graphql/schema.ts';
import type { LimitSettingService } from './limits/limit-setting.service.ts';
import { LimitResolver } from './limits/limit.resolver.ts';
import type { HealthService } from './routing/health.service.ts';
import { ModelResolver } from './routing/model.resolver.ts';
import type { Models } from './routing/models.ts';
import { ProviderResolver } from './routing/provider.resolver.ts';
import { RouteResolver, RouteVersionResolver } from './routing/route.resolver.ts';
import type { RouteService } from './routing/route.service.ts';
import type { RouteTrialService } from './routing/route-trial.service.ts';
import { Route, RouteVersion } from './routing/route.type.ts';
import { TemplateResolver } from './templates/template.resolver.ts';
import type { TemplateService } from './templates/template.service.ts';
import { TemplateVersion } from './templates/template.type.ts';
import { TenantResolver } from './tenants/tenant.resolver.ts';
import type { TenantService } from './tenants/tenant.service.ts';
import { Member, Tenant } from './tenants/tenant.type.ts';
import { UsageResolver } from './usage/usage.resolver.ts';
import type { UsageService } from './usage/usage.service.ts';
import { ProviderCredentialResolver } from './vault/provider-credential.resolver.ts';
import type { ProviderCredentialTestService } from './vault/provider-credential-test.service.ts';
import type { ProviderCredentialService } from './vault/provider-credential.service.ts';
import { ProviderCredential } from './vault/provider-credential.type.ts';

/** What the resolvers translate for. */
export interface Services {
  readonly generations: GenerationService;
  readonly streams: StreamService;
  readonly templates: TemplateService;
  readonly tenants: TenantService;
  readonly tenantCreations: TenantCreationService;
  readonly models: Models;
  readonly health: HealthService;
  readonly routes: RouteService;
  readonly routeTrials: RouteTrialService;
  readonly apiKeys: ApiKeyService;
  readonly issuers: IssuerService;
  readonly roles: RoleService;
  readonly members: MemberService;
  readonly invitations: InvitationService;
  readonly acceptances: AcceptanceService;
  readonly database: Database;
  readonly audit: AuditService;
  readonly credentials: ProviderCredentialService;
  readonly credentialTests: ProviderCredentialTestService;
  readonly limitSettings: LimitSettingService;
  readonly usage: UsageService;
  readonly budgets: BudgetService;
}

export interface Schemas {
  /** What clients see. */
  readonly api: GraphQLSchema;
  /** What is served: the same and, for gateways, `_service` and `_entities`. */
  readonly subgraph: GraphQLSchema;
}

/** Builds the schema over its services. Straight wiring: a new resolver is made here and named in the lists below. */
export function buildSchemas(services: Services): Schemas {
  const templates = new TemplateResolver(services.templates);
  const generations = new GenerationResolver(services.generations, services.streams, templates);
  const tenants = new TenantResolver(services.tenants);
  const models = new ModelResolver(services.models);
  const providers = new ProviderResolver(services.models, services.health);
  const routes = new RouteResolver(services.routes, services.routeTrials);
  const routeVersions = new RouteVersionResolver(tenants);
  const apiKeys = new ApiKeyResolver(services.apiKeys, tenants);
  const issuers = new IssuerResolver(services.issuers);
  const roles = new RoleResolver(services.roles);
  const members = new MemberResolver(services.members);
  const invitations = new InvitationResolver(services.invitations, services.acceptances, tenants, roles);
  const audit = new AuditResolver(services.audit);
  const credentials = new ProviderCredentialResolver(services.credentials, services.credentialTests, tenants);
  const limits = new LimitResolver(services.limitSettings);
  const usage = new UsageResolver(services.usage);
  const budgets = new BudgetResolver(services.budgets);
  const nodes = new NodeResolver({
    gen: generations.byId,
    tpl: templates.byId,
    tpv: templates.versionById,
    ten: tenants.byId,
    mem: tenants.memberNode,
    key: apiKeys.byId,
    iss: issuers.byId,
    rol: roles.byId,
    inv: invitations.byId,
    aud: audit.byId,
    pcr: credentials.byId,
    rte: routes.byId,
    rtv: routes.versionById,
    bud: budgets.byId,
  });
  const explanations = new ExplainService(services.database, (scope, id) => nodes.isFound(scope, id));
  const explain = new ExplainResolver(explanations, tenants, roles);
  const routing = [models, providers, routes, routeVersions];
  const creations = new TenantCreationResolver(services.tenantCreations);
  const people = [roles, members, invitations, explain, creations];
  const resolvers = [
    templates,
    generations,
    tenants,
    ...routing,
    apiKeys,
    issuers,
    ...people,
    audit,
    credentials,
    limits,
    usage,
    budgets,
    nodes,
  ];
  const api = buildApiSchema(
    resolvers.map((resolver) => resolver.constructor),
    {
      instanceOf: (wanted) => resolvers.find((resolver) => resolver.constructor === wanted),
      orphanedTypes: [
        GenerationStarted,
        GenerationDelta,
        GenerationRestarted,
        GenerationFinished,
        TemplateVersion,
        Tenant,
        Member,
        ApiKey,
        Issuer,
        Role,
        Invitation,
        AuditEntry,
        ProviderCredential,
        Route,
        RouteVersion,
        Budget,
      ],
      subscribers: { generationStream: generations.stream, auditLogAdded: audit.added, providerHealthStream: providers.stream },
    },
  );
  const typeResolvers = { Node: typeOfNode, GenerationMessage: typeOfMessage };
  return { api, subgraph: buildSubgraph(api, nodes.entityResolvers(), typeResolvers) };
}

/** The contract as it is printed into `schema/`; needs no services, since printing calls nothing. */
export function printSchemas(): { readonly api: string; readonly subgraph: string } {
  const { api } = buildSchemas({
    generations: uncalled('generations'),
    streams: uncalled('streams'),
    templates: uncalled('templates'),
    tenants: uncalled('tenants'),
    tenantCreations: uncalled('tenantCreations'),
    models: uncalled('models'),
    health: uncalled('health'),
    routes: uncalled('routes'),
    routeTrials: uncalled('routeTrials'),
    apiKeys: uncalled('apiKeys'),
    issuers: uncalled('issuers'),
    roles: uncalled('roles'),
    members: uncalled('members'),
    invitations: uncalled('invitations'),
    acceptances: uncalled('acceptances'),
    database: uncalled('database'),
    audit: uncalled('audit'),
    credentials: uncalled('credentials'),
    credentialTests: uncalled('credentialTests'),
    limitSettings: uncalled('limitSettings'),
    usage: uncalled('usage'),
    budgets: uncalled('budgets'),
  });
  return { api: printApi(api), subgraph: printSubgraph(api) };
}

/** Stands in for a service that nobody calls, and throws if somebody does. */
function uncalled<K extends keyof Services>(name: K): Services[K] {
  const fail = (): never => {
    throw new Error(`the ${name} service is not there while the schema is printed`);
  };
  // A proxy has no type of its own.
  return new Proxy({}, { get: fail }) as Services[K];
}
