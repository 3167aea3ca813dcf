import type { Who, World } from '../harness/permission-world.ts';

/** How something is asked for, and which things are looked for in the answer. */
export interface Made {
  readonly variables: Readonly<Record<string, unknown>>;
  /** Ids of an own thing and of another member's. */
  readonly own?: string | undefined;
  readonly other?: string | undefined;
}

/** An operation with one thing: its cells, one for each caller. */
export interface Case {
  /** With what, as tests are named. */
  readonly with: string;
  readonly make?: (world: World, who: Who) => Promise<Made | Made['variables']> | Made | Made['variables'];
  /** By caller; each is named once, those that are no members not where the thing is their own. */
  readonly expected: string;
  /** What FORBIDDEN says where it is not for want of the permission in the description. */
  readonly forbids?: RegExp;
  /** In a tenant of its own, because what is allowed goes on changing it, or ends it. */
  readonly isApart?: true;
}

/** An operation. */
export interface Row {
  readonly document: string;
  /** The outcome that an answer without errors is. */
  readonly says?: (answer: never, made: Made) => string;
  readonly cases: readonly Case[];
}

/** Without a key there is nothing. */
export const nobody = 'anonymous: UNAUTHENTICATED';
/** Names of cases. */
export const own = 'an own thing';
export const others = 'a thing of another member';

/** Whose things a page has. */
export function seen({ nodes, edges }: { nodes: { id: string }[]; edges?: { node: { id: string } }[] }, made: Made): string {
  const ids = nodes.map(({ id }) => id);
  if (edges && JSON.stringify(edges.map(({ node }) => node.id)) !== JSON.stringify(ids)) return 'edges that are not its nodes';
  const [isOwn, isOther] = [made.own, made.other].map((id) => id !== undefined && ids.includes(id));
  if (isOther) return isOwn || made.own === undefined ? 'all' : 'others without own';
  return isOwn ? 'own' : 'none';
}
/** The first page of a list. */
export const page = (list: string) => `{ ${list}(first: 100) { nodes { id } edges { node { id } } } }`;
/** A mutation that answers with its errors. */
export const mutation = (name: string, input = `${name[0]?.toUpperCase()}${name.slice(1)}Input`) =>
  `mutation ($input: ${input}!) { ${name}(input: $input) { errors { code message } } }`;
/** The input of what is done to a thing. */
export const named = (id: string, more: object = {}) => ({ input: { id, ...more } });
const memberOf = (world: World, who: Who) => who.member?.memberId ?? world.other.memberId;

type Maker = (world: World, memberId: string) => Promise<string>;
/** Makers of things, of a member where they are somebody's. */
export const generation: Maker = (world, memberId) => world.generation(memberId);
export const key: Maker = (world, memberId) => world.key(memberId);
export const invitation: Maker = (world, memberId) => world.invitation(memberId);
export const role: Maker = (world) => world.role();
export const credential: Maker = (world) => world.credential();
export const auditEntry: Maker = (world) => world.auditEntry();
export const route: Maker = (world) => world.route();
export const routeVersion: Maker = (world) => world.routeVersion();
export const budget: Maker = (world) => world.budget();
export const issuer: Maker = (world) => world.issuer();
export const itself: Maker = async (_world, memberId) => memberId;

type Asking = (id: string) => Made['variables'];
/** Asks with a thing of the caller, made for it; of nobody's with the other member's. */
export const ofOwn = (maker: Maker, ask: Asking) => async (world: World, who: Who) =>
  ask(await maker(world, memberOf(world, who)));
/** Asks with a thing of the member who never calls. */
export const ofOther = (maker: Maker, ask: Asking) => async (world: World) => ask(await maker(world, world.other.memberId));
/** Both kinds of things, to be looked for. */
export const both = (maker: Maker) => async (world: World, who: Who) => ({
  variables: {},
  other: await maker(world, world.other.memberId),
  own: who.member ? await maker(world, who.member.memberId) : undefined,
});
/** A thing of the tenant, to be looked for. */
export const one = (maker: Maker) => async (world: World) => ({ variables: {}, other: await maker(world, world.other.memberId) });
/** The variables of what takes an id. */
export const byId: Asking = (id) => ({ id });

/** What several operations promise, by caller. */
export const seesGenerations = `${nobody}; invited: FORBIDDEN; stranger: none; owner admin editor reviewer: all; member: own; analyst operator: FORBIDDEN`;
export const readsOwn = 'owner admin editor reviewer member: ok; analyst operator: FORBIDDEN';
export const readsOthers = `${nobody}; invited: FORBIDDEN; stranger: null; owner admin editor reviewer: ok; member: null; analyst operator: FORBIDDEN`;
export const writesOwn = 'owner admin editor member: ok; reviewer analyst operator: FORBIDDEN';
export const writesOthers = `${nobody}; invited: FORBIDDEN; stranger: NOT_FOUND; owner admin editor: ok; member: NOT_FOUND; reviewer analyst operator: FORBIDDEN`;
export const everyMember = `${nobody}; invited: FORBIDDEN; stranger: ok; roles: ok`;
export const managersOnly = `${nobody}; invited: FORBIDDEN; stranger: ok; owner admin: ok; editor reviewer analyst operator member: FORBIDDEN`;
export const managersFind = `${nobody}; invited: FORBIDDEN; stranger: NOT_FOUND; owner admin: ok; editor reviewer analyst operator member: FORBIDDEN`;
export const managersSee = `${nobody}; invited: FORBIDDEN; stranger: none; owner admin: all; editor reviewer analyst operator member: FORBIDDEN`;
export const peopleSeen = `${nobody}; invited: FORBIDDEN; stranger: none; owner admin editor reviewer: all; analyst operator member: FORBIDDEN`;
export const peopleRead = `${nobody}; invited: FORBIDDEN; stranger: null; owner admin editor reviewer: ok; analyst operator member: FORBIDDEN`;
/** Operators see how the tenant's letters are written, and change nothing. */
export const routesSeen = `${nobody}; invited: FORBIDDEN; stranger: none; owner admin operator: all; editor reviewer analyst member: FORBIDDEN`;
export const routesRead = `${nobody}; invited: FORBIDDEN; stranger: null; owner admin operator: ok; editor reviewer analyst member: FORBIDDEN`;
export const routesAsked = `${nobody}; invited: FORBIDDEN; stranger: ok; owner admin operator: ok; editor reviewer analyst member: FORBIDDEN`;
/** Those who look after money and running. */
export const usageAsked = `${nobody}; invited: FORBIDDEN; stranger: ok; owner admin analyst operator: ok; editor reviewer member: FORBIDDEN`;
export const usageSeen = `${nobody}; invited: FORBIDDEN; stranger: none; owner admin analyst operator: all; editor reviewer member: FORBIDDEN`;
export const usageRead = `${nobody}; invited: FORBIDDEN; stranger: null; owner admin analyst operator: ok; editor reviewer member: FORBIDDEN`;
export const ownersOnly = `${nobody}; invited: FORBIDDEN; stranger: ok; owner: ok; admin editor reviewer analyst operator member: FORBIDDEN`;
