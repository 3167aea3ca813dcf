import {
  nobody,
  own,
  others,
  mutation,
  named,
  generation,
  key,
  invitation,
  role,
  route,
  budget,
  credential,
  issuer,
  itself,
  ofOwn,
  ofOther,
  byId,
  readsOwn,
  writesOwn,
  writesOthers,
  everyMember,
  managersOnly,
  managersFind,
  ownersOnly,
  routesAsked,
  type Row,
} from './permission-cases.ts';
import { queryTable } from './permission-queries.ts';

// Who may do what, written by hand from what the product promises: never from what the code does. A new operation needs a row here.
// Outcomes: `ok`, `null`, a code, or a word that `says` reads from the answer. `roles` are the seven built-in ones.

const variables = { applicant: { name: 'Ingrid Solheim' }, job: { title: 'Planner', company: 'Fjord Logistics' } };

/** What whoever is invited may also be told on a socket: the watch over what is open may be quicker. */
const watched = /^nothing stays open with this invitation$/;

/** A mutation on generations. */
const generationAct = (name: string, isApart?: true): Row => ({
  document: mutation(name),
  cases: [
    { with: own, make: ofOwn(generation, named), expected: writesOwn, ...(isApart && { isApart }) },
    { with: others, make: ofOther(generation, named), expected: writesOthers, ...(isApart && { isApart }) },
  ],
});

/** All operations. */
export const permissionTable: Readonly<Record<string, Row>> = {
  ...queryTable,

  'Mutation.apiKeyCreate': {
    document: mutation('apiKeyCreate'),
    cases: [
      { with: 'what all may', make: () => ({ input: { name: 'x', permissions: ['models:read'] } }), expected: everyMember },
      {
        with: 'what only owners may',
        make: () => ({ input: { name: 'x', permissions: ['tenant:delete'] } }),
        expected: ownersOnly,
        forbids: /^nobody hands out what they do not have: tenant:delete$/,
      },
    ],
  },
  'Mutation.apiKeyRevoke': {
    document: mutation('apiKeyRevoke'),
    cases: [
      { with: own, make: ofOwn(key, named), expected: 'roles: ok' },
      {
        with: others,
        make: ofOther(key, named),
        expected: `${nobody}; invited: FORBIDDEN; stranger: NOT_FOUND; owner admin: ok; editor reviewer analyst operator member: NOT_FOUND`,
      },
    ],
  },
  'Mutation.apiKeyRotate': {
    document: mutation('apiKeyRotate'),
    cases: [
      { with: own, make: ofOwn(key, named), expected: 'roles: ok' },
      {
        // Nobody gets a key that acts as somebody else; who does not see it does not find it.
        with: others,
        make: ofOther(key, named),
        expected: `${nobody}; invited: FORBIDDEN; stranger: NOT_FOUND; owner admin: FORBIDDEN; editor reviewer analyst operator member: NOT_FOUND`,
        forbids: /^only the person a key acts as can rotate it/,
      },
    ],
  },
  'Mutation.apiKeyUpdate': {
    document: mutation('apiKeyUpdate'),
    cases: [
      { with: own, make: ofOwn(key, (id) => named(id, { requestsPerMinute: 10 })), expected: 'roles: ok' },
      {
        with: others,
        make: ofOther(key, (id) => named(id, { requestsPerMinute: 10 })),
        expected: `${nobody}; invited: FORBIDDEN; stranger: NOT_FOUND; owner admin: ok; editor reviewer analyst operator member: NOT_FOUND`,
      },
    ],
  },
  'Mutation.generationCancel': generationAct('generationCancel'),
  'Mutation.generationDelete': generationAct('generationDelete'),
  'Mutation.generationRetry': generationAct('generationRetry', true),
  'Mutation.generationStart': {
    document: mutation('generationStart'),
    cases: [
      {
        with: 'a template',
        make: () => ({ input: { template: 'cover-letter-classic', variables } }),
        expected: `${nobody}; invited: FORBIDDEN; stranger: ok; ${writesOwn}`,
        isApart: true,
      },
    ],
  },
  'Mutation.invitationAccept': {
    document: mutation('invitationAccept'),
    cases: [
      {
        with: 'the token that is shown',
        make: () => ({ input: {} }),
        expected: `${nobody}; invited: ok; stranger: FORBIDDEN; roles: FORBIDDEN`,
        forbids: /^only an invitation accepts/,
        isApart: true,
      },
    ],
  },
  'Mutation.invitationCreate': {
    document: mutation('invitationCreate'),
    cases: [
      { with: 'a member', make: () => ({ input: { email: 'eve@example.org', role: 'member' } }), expected: managersOnly },
      {
        with: 'an owner',
        make: () => ({ input: { email: 'eve@example.org', role: 'owner' } }),
        expected: ownersOnly,
        forbids: /^nobody hands out what they do not have: tenant:delete$/,
      },
    ],
  },
  'Mutation.invitationRevoke': {
    document: mutation('invitationRevoke'),
    cases: [
      {
        with: own,
        make: ofOwn(invitation, named),
        expected: 'owner admin: ok; editor reviewer analyst operator member: FORBIDDEN',
      },
      { with: others, make: ofOther(invitation, named), expected: managersFind },
    ],
  },
  'Mutation.issuerCreate': {
    document: mutation('issuerCreate'),
    cases: [
      {
        with: 'people who are members',
        make: async (world, { name }) => ({ input: { ...(await world.registrable(`of ${name}`)), defaultRole: 'member' } }),
        expected: managersOnly,
        isApart: true,
      },
      {
        with: 'people who are owners',
        make: async (world, { name }) => ({ input: { ...(await world.registrable(`owner of ${name}`)), defaultRole: 'owner' } }),
        expected: ownersOnly,
        forbids: /^nobody hands out what they do not have: tenant:delete$/,
        isApart: true,
      },
    ],
  },
  'Mutation.issuerDelete': {
    document: mutation('issuerDelete'),
    cases: [{ with: 'the tenant’s', make: ofOther(issuer, named), expected: managersFind }],
  },
  'Mutation.issuerUpdate': {
    document: mutation('issuerUpdate'),
    cases: [
      { with: 'the tenant’s', make: ofOther(issuer, (id) => named(id, { defaultRole: 'editor' })), expected: managersFind },
      {
        with: 'the tenant’s, its people to owners',
        make: ofOther(issuer, (id) => named(id, { defaultRole: 'owner' })),
        expected: `${nobody}; invited: FORBIDDEN; stranger: NOT_FOUND; owner: ok; admin editor reviewer analyst operator member: FORBIDDEN`,
        forbids: /^nobody hands out what they do not have: tenant:delete$/,
      },
    ],
  },
  'Mutation.memberRemove': {
    document: mutation('memberRemove'),
    cases: [
      {
        with: 'oneself',
        make: ofOwn(itself, named),
        expected: 'owner admin: ok; editor reviewer analyst operator member: FORBIDDEN',
        isApart: true,
      },
      { with: 'another', make: async (world) => named((await world.member('member')).memberId), expected: managersFind },
      {
        with: 'an owner',
        make: async (world) => named((await world.member('owner')).memberId),
        expected: `${nobody}; invited: FORBIDDEN; stranger: NOT_FOUND; owner: ok; admin editor reviewer analyst operator member: FORBIDDEN`,
        forbids: /^they may do what you may not: tenant:delete$/,
      },
    ],
  },
  'Mutation.memberUpdate': {
    document: mutation('memberUpdate'),
    cases: [
      {
        with: 'the own name',
        make: ofOwn(itself, (id) => named(id, { name: 'New' })),
        expected: 'owner admin: ok; editor reviewer analyst operator member: FORBIDDEN',
      },
      {
        with: 'the own role, to owner',
        make: ofOwn(itself, (id) => named(id, { role: 'owner' })),
        expected: 'owner: ok; admin editor reviewer analyst operator member: FORBIDDEN',
        forbids: /^nobody hands out what they do not have: tenant:delete$/,
      },
      {
        with: 'the role of another',
        make: async (world) => named((await world.member('member')).memberId, { role: 'editor' }),
        expected: managersFind,
      },
      {
        with: 'the role of an owner',
        make: async (world) => named((await world.member('owner')).memberId, { role: 'member' }),
        expected: `${nobody}; invited: FORBIDDEN; stranger: NOT_FOUND; owner: ok; admin editor reviewer analyst operator member: FORBIDDEN`,
        forbids: /^they may do what you may not: tenant:delete$/,
      },
    ],
  },
  'Mutation.providerCredentialDelete': {
    document: mutation('providerCredentialDelete'),
    cases: [{ with: 'the tenant’s', make: ofOther(credential, named), expected: managersFind }],
  },
  'Mutation.providerCredentialSet': {
    document: mutation('providerCredentialSet'),
    cases: [{ with: 'a key', make: () => ({ input: { provider: 'openai', apiKey: 'sk-another' } }), expected: managersOnly }],
  },
  'Mutation.providerCredentialTest': {
    document: mutation('providerCredentialTest'),
    cases: [{ with: 'the tenant’s', make: ofOther(credential, named), expected: managersFind }],
  },
  'Mutation.roleCreate': {
    document: mutation('roleCreate'),
    cases: [
      {
        with: 'what all may',
        make: (_world, { name }) => ({ input: { name: `all ${name}`, permissions: ['models:read'] } }),
        expected: managersOnly,
      },
      {
        with: 'what only owners may',
        make: (_world, { name }) => ({ input: { name: `most ${name}`, permissions: ['tenant:delete'] } }),
        expected: ownersOnly,
        forbids: /^nobody hands out what they do not have: tenant:delete$/,
      },
    ],
  },
  'Mutation.roleDelete': {
    document: mutation('roleDelete'),
    cases: [{ with: 'the tenant’s', make: ofOther(role, named), expected: managersFind }],
  },
  'Mutation.budgetDelete': {
    document: mutation('budgetDelete'),
    cases: [{ with: 'the tenant’s', make: ofOther(budget, named), expected: managersFind }],
  },
  'Mutation.budgetSet': {
    document: mutation('budgetSet'),
    cases: [
      {
        with: 'the tenant’s',
        make: () => ({ input: { unit: 'TOKENS', period: 'WEEK', most: 9_000_000_000 } }),
        expected: managersOnly,
      },
      {
        with: 'that of another member',
        make: (world) => ({ input: { memberId: world.other.memberId, unit: 'TOKENS', period: 'WEEK', most: 9_000_000_000 } }),
        expected: managersFind,
      },
    ],
  },
  'Mutation.routeDelete': {
    document: mutation('routeDelete'),
    cases: [{ with: 'the tenant’s', make: ofOther(route, named), expected: managersFind }],
  },
  'Mutation.routePublish': {
    document: mutation('routePublish'),
    cases: [
      {
        with: 'a new one',
        make: () => ({ input: { name: 'fast', definition: { route: { model: 'offline/draft' } } } }),
        expected: managersOnly,
      },
    ],
  },
  'Mutation.routeRollback': {
    document: mutation('routeRollback'),
    cases: [{ with: 'the tenant’s', make: ofOther(route, (id) => named(id, { version: 1 })), expected: managersFind }],
  },
  'Mutation.routeTest': {
    document: mutation('routeTest'),
    cases: [{ with: 'a model', make: () => ({ input: { model: 'offline/draft' } }), expected: managersOnly }],
  },
  'Mutation.roleUpdate': {
    document: mutation('roleUpdate'),
    cases: [
      { with: 'the tenant’s', make: ofOther(role, (id) => named(id, { permissions: ['keys:read'] })), expected: managersFind },
    ],
  },
  'Mutation.tenantCreate': {
    document: mutation('tenantCreate'),
    cases: [
      {
        // Whose tenant runs the installation has tests of its own.
        with: 'a tenant that does not run the installation',
        make: () => ({ input: { name: 'Customer', ownerEmail: 'eve@example.org' } }),
        expected: `${nobody}; invited: FORBIDDEN; stranger: FORBIDDEN; roles: FORBIDDEN`,
      },
    ],
  },
  'Mutation.tenantDelete': {
    document: mutation('tenantDelete'),
    cases: [
      {
        with: 'its name',
        make: ({ tenant: { name } }) => ({ input: { name } }),
        // Of another tenant nobody says anything: it is just not the name of the own one.
        expected: `${nobody}; invited: FORBIDDEN; stranger: INVALID_INPUT; owner: ok; admin editor reviewer analyst operator member: FORBIDDEN`,
        isApart: true,
      },
    ],
  },
  'Mutation.tenantLimitsUpdate': {
    document: mutation('tenantLimitsUpdate'),
    cases: [
      {
        with: 'a limit',
        make: () => ({ input: { limits: [{ name: 'REQUESTS_PER_MEMBER', most: 1_000_000 }] } }),
        expected: managersOnly,
      },
    ],
  },
  'Mutation.tenantUpdate': {
    document: mutation('tenantUpdate'),
    cases: [{ with: 'a setting', make: () => ({ input: { generationRetentionDays: 30 } }), expected: managersOnly }],
  },

  'Subscription.auditLogAdded': {
    document: 'subscription ($after: String) { auditLogAdded(after: $after) { cursor } }',
    cases: [
      {
        with: 'a cursor of the tenant',
        forbids: watched,
        make: async (world) => ({ after: await world.auditCursor() }),
        expected: `${nobody}; invited: FORBIDDEN; stranger: INVALID_CURSOR; owner admin: ok; editor reviewer analyst operator member: FORBIDDEN`,
      },
    ],
  },
  'Subscription.generationStream': {
    document: 'subscription ($id: ID!) { generationStream(id: $id) { __typename } }',
    cases: [
      { with: own, make: ofOwn(generation, byId), expected: readsOwn },
      {
        with: others,
        forbids: watched,
        make: ofOther(generation, byId),
        expected: `${nobody}; invited: FORBIDDEN; stranger: NOT_FOUND; owner admin editor reviewer: ok; member: NOT_FOUND; analyst operator: FORBIDDEN`,
      },
    ],
  },
  'Subscription.providerHealthStream': {
    document: 'subscription { providerHealthStream { __typename } }',
    cases: [{ with: 'nothing', expected: routesAsked }],
  },
};
