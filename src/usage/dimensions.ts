/** What usage is told apart by, in the order in which groups are sorted. */
export const usageDimensions = ['DAY', 'MODEL', 'TEMPLATE', 'MEMBER', 'KEY'] as const;
export type UsageDimension = (typeof usageDimensions)[number];
