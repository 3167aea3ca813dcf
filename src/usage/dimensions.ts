/** What usage is told apart by, in the order in which groups are sorted. */
export const usageDimensions = ['DAY', 'MODEL', 'TEMPLATE', 'MEMBER', 'KEY'] as const;
export type UsageDimension = (typeof usageDimensions)[number];

/** Whose usage: what was written, or what trying models took. */
export type UsageSource = 'GENERATIONS' | 'MODEL_TESTS';
