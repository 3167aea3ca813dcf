import {
  nobody,
  own,
  others,
  seen,
  page,
  generation,
  key,
  invitation,
  role,
  budget,
  credential,
  route,
  routeVersion,
  routesAsked,
  usageAsked,
  usageRead,
  usageSeen,
  routesRead,
  routesSeen,
  auditEntry,
  issuer,
  itself,
  ofOwn,
  ofOther,
  both,
  one,
  byId,
  seesGenerations,
  readsOwn,
  readsOthers,
  everyMember,
  managersOnly,
  managersSee,
  peopleSeen,
  peopleRead,
  type Case,
  type Row,
} from './permission-cases.ts';

// Who may do what, written by hand from what the product promises: never from what the code does. A new operation needs a row here.
// Outcomes: `ok`, `null`, a code, or a word that `says` reads from the answer. `roles` are the seven built-in ones.

/** What a node of this kind is to callers. */
const node = (kind: string, make: Case['make'], expected: string): Case => ({ with: kind, expected, ...(make && { make }) });

/** The queries. */
export const queryTable: Readonly<Record<string, Row>> = {
  'Query.__schema': { document: '{ __schema { queryType { name } } }', cases: [{ with: 'nothing', expected: everyMember }] },
  'Query.__type': { document: '{ __type(name: "Query") { name } }', cases: [{ with: 'nothing', expected: everyMember }] },
  'Query._service': { document: '{ _service { sdl } }', cases: [{ with: 'nothing', expected: managersOnly }] },
  'Query._entities': {
    document: 'query ($of: [_Any!]!) { _entities(representations: $of) { ... on Generation { id } } }',
    says: ([entity]: (object | null)[]) => (entity ? 'ok' : 'null'),
    cases: [
      {
        with: others,
        make: ofOther(generation, (id) => ({ of: [{ __typename: 'Generation', id }] })),
        expected: `${nobody}; invited: FORBIDDEN; stranger: null; owner admin: ok; editor reviewer analyst operator member: FORBIDDEN`,
      },
    ],
  },
  'Query.apiKeys': {
    document: page('apiKeys'),
    says: seen,
    cases: [
      {
        with: 'own keys and others',
        make: both(key),
        expected: `${nobody}; invited: FORBIDDEN; stranger: none; owner admin: all; editor reviewer analyst operator member: own`,
      },
    ],
  },
  'Query.auditLog': {
    document: page('auditLog'),
    says: seen,
    cases: [{ with: 'the tenant’s entries', make: one(auditEntry), expected: managersSee }],
  },
  'Query.auditVerify': { document: '{ auditVerify { isIntact } }', cases: [{ with: 'nothing', expected: managersOnly }] },
  'Query.explainPermission': {
    document: `query ($id: ID) { explainPermission(permission: "generations:write", nodeId: $id) { reason } }`,
    says: ({ reason }: { reason: string }) => reason,
    cases: [
      {
        with: own,
        make: ofOwn(generation, byId),
        expected: 'owner admin editor member: GRANTED; reviewer analyst operator: ROLE',
      },
      {
        with: others,
        make: ofOther(generation, byId),
        expected: `${nobody}; invited: ROLE; stranger: UNKNOWN; owner admin editor: GRANTED; member: OTHERS; reviewer analyst operator: ROLE`,
      },
    ],
  },
  'Query.generation': {
    document: 'query ($id: ID!) { generation(id: $id) { id text } }',
    cases: [
      { with: own, make: ofOwn(generation, byId), expected: readsOwn },
      { with: others, make: ofOther(generation, byId), expected: readsOthers },
    ],
  },
  'Query.generations': {
    document: page('generations'),
    says: seen,
    cases: [{ with: 'own generations and others', make: both(generation), expected: seesGenerations }],
  },
  'Query.invitations': {
    document: page('invitations'),
    says: seen,
    cases: [{ with: 'own invitations and others', make: both(invitation), expected: peopleSeen }],
  },
  'Query.issuers': {
    document: page('issuers'),
    says: seen,
    cases: [{ with: 'the tenant’s', make: one(issuer), expected: managersSee }],
  },
  'Query.members': {
    document: page('members'),
    says: seen,
    cases: [{ with: 'oneself and others', make: both(itself), expected: peopleSeen }],
  },
  'Query.models': { document: '{ models { id } }', cases: [{ with: 'nothing', expected: everyMember }] },
  'Query.node': {
    document: 'query ($id: ID!) { node(id: $id) { __typename id } }',
    cases: [
      node('an own Generation', ofOwn(generation, byId), readsOwn),
      node('another’s Generation', ofOther(generation, byId), readsOthers),
      node('an own ApiKey', ofOwn(key, byId), 'roles: ok'),
      node(
        'another’s ApiKey',
        ofOther(key, byId),
        `${nobody}; invited: FORBIDDEN; stranger: null; owner admin: ok; editor reviewer analyst operator member: null`,
      ),
      node('the own Member', ofOwn(itself, byId), 'roles: ok'),
      node('another Member', ofOther(itself, byId), peopleRead),
      node('a Role', ofOther(role, byId), peopleRead),
      node('an Invitation', ofOther(invitation, byId), peopleRead),
      node(
        'an AuditEntry',
        ofOther(auditEntry, byId),
        `${nobody}; invited: FORBIDDEN; stranger: null; owner admin: ok; editor reviewer analyst operator member: FORBIDDEN`,
      ),
      node(
        'an Issuer',
        ofOther(issuer, byId),
        `${nobody}; invited: FORBIDDEN; stranger: null; owner admin: ok; editor reviewer analyst operator member: FORBIDDEN`,
      ),
      node(
        'a ProviderCredential',
        ofOther(credential, byId),
        `${nobody}; invited: FORBIDDEN; stranger: null; owner admin: ok; editor reviewer analyst operator member: FORBIDDEN`,
      ),
      node('a Budget', ofOther(budget, byId), usageRead),
      node('a Route', ofOther(route, byId), routesRead),
      node('a RouteVersion', ofOther(routeVersion, byId), routesRead),
      // Whoever is invited is told where to.
      node('the Tenant', ({ tenant: { id } }) => ({ id }), `${nobody}; invited: ok; stranger: null; roles: ok`),
      // The library is everybody's.
      node('a Template', async (world) => ({ id: (await world.template()).id }), everyMember),
      node('a TemplateVersion', async (world) => ({ id: (await world.template()).versionId }), everyMember),
    ],
  },
  'Query.nodes': {
    document: 'query ($id: ID!) { nodes(ids: [$id]) { id } }',
    says: ([found]: (object | null)[]) => (found ? 'ok' : 'null'),
    cases: [
      { with: own, make: ofOwn(generation, byId), expected: readsOwn },
      { with: others, make: ofOther(generation, byId), expected: readsOthers },
    ],
  },
  'Query.budgets': {
    document: page('budgets'),
    says: seen,
    cases: [{ with: 'the tenant’s', make: one(budget), expected: usageSeen }],
  },
  'Query.providerCredentials': {
    document: page('providerCredentials'),
    says: seen,
    cases: [{ with: 'the tenant’s', make: one(credential), expected: managersSee }],
  },
  'Query.roles': {
    document: '{ roles { id } }',
    says: (nodes: { id: string }[], made) => seen({ nodes }, made),
    cases: [{ with: 'the tenant’s', make: one(role), expected: peopleSeen }],
  },
  'Query.routeExplain': {
    document: 'query ($input: RouteExplainInput!) { routeExplain(input: $input) { models { model } } }',
    cases: [{ with: 'the installation’s', make: () => ({ input: {} }), expected: routesAsked }],
  },
  'Query.providers': { document: '{ providers { id } }', cases: [{ with: 'nothing', expected: routesAsked }] },
  'Query.routes': {
    document: '{ routes { id } }',
    says: (nodes: { id: string }[], made) => seen({ nodes }, made),
    cases: [{ with: 'the tenant’s', make: one(route), expected: routesSeen }],
  },
  'Query.template': {
    document: '{ template(slug: "cover-letter-classic") { id } }',
    cases: [{ with: 'the library', expected: everyMember }],
  },
  'Query.templates': { document: page('templates'), cases: [{ with: 'the library', expected: everyMember }] },
  'Query.usage': {
    document:
      '{ usage(groupBy: [], range: { from: "2026-11-01T00:00:00Z", to: "2026-12-01T00:00:00Z" }) { nodes { generations } } }',
    cases: [{ with: 'the tenant’s', expected: usageAsked }],
  },
  'Query.viewer': {
    document: '{ viewer { tenant { id } permissions } }',
    says: ({ permissions }: { permissions: string[] }) => (permissions.length > 0 ? 'ok' : 'nothing'),
    cases: [{ with: 'nothing', expected: `${nobody}; invited: nothing; stranger: ok; roles: ok` }],
  },
};
