/** The limits of a tenant, by their names in the API and in the database. All are of the tenant as a whole, or of each of its members. */
export const limitNames = {
  member: 'REQUESTS_PER_MEMBER',
  tenant: 'REQUESTS_PER_TENANT',
  starts: 'STARTS_PER_MEMBER',
  memberGenerations: 'GENERATIONS_PER_MEMBER',
  tenantGenerations: 'GENERATIONS_PER_TENANT',
  memberSockets: 'SOCKETS_PER_MEMBER',
  tenantSockets: 'SOCKETS_PER_TENANT',
  memberSubscriptions: 'SUBSCRIPTIONS_PER_MEMBER',
  tenantSubscriptions: 'SUBSCRIPTIONS_PER_TENANT',
} as const;

/** The limits that a key can have beside those of its member and tenant. */
export const keyLimitNames = {
  requests: 'REQUESTS_PER_KEY',
  starts: 'STARTS_PER_KEY',
  generations: 'GENERATIONS_PER_KEY',
  sockets: 'SOCKETS_PER_KEY',
  subscriptions: 'SUBSCRIPTIONS_PER_KEY',
} as const;

/** What an operator can set for the costs of a tenant's operations: how much they may cost at once, and how much of that comes back in a second. */
export const costNames = { maximum: 'QUERY_COST', restoreRate: 'QUERY_COST_PER_SECOND' } as const;

/** How much each limit of a tenant allows; 0 is no limit. */
export type TenantLimits = Readonly<Record<keyof typeof limitNames, number>>;

/** How much each limit of a key allows; 0 is no limit. */
export type KeyLimits = Readonly<Record<keyof typeof keyLimitNames, number>>;

/** The name of a limit that a tenant can set. */
export type TenantLimitName = (typeof limitNames)[keyof typeof limitNames];

/** The name of any limit. */
export type AnyLimitName = TenantLimitName | (typeof keyLimitNames)[keyof typeof keyLimitNames];

export const tenantLimitKeys = Object.keys(limitNames) as (keyof typeof limitNames)[];

/** The higher of two limits is the looser one; 0 is the loosest. */
export function tighter(one: number, other: number): number {
  return one === 0 ? other : other === 0 ? one : Math.min(one, other);
}

/** More than any limit may be set to. */
export const highestLimit = 100_000_000;
