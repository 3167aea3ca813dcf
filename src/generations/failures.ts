import { providerErrorCodes } from '../providers/port.ts';

/** The closed list of failure codes of a generation: the providers' own, and what can go wrong around them. */
export const failureCodes = {
  ...providerErrorCodes,
  GUARD_FAILED: 'The text did not pass the checks of its template, twice; the message says what is wrong with the second.',
  BUDGET_EXCEEDED: 'A budget has no room for one more call after one that failed or was lost; the message says which.',
  PRICE_UNKNOWN: 'The price of a model that would be called next is not known, which a budget does not allow.',
  ABANDONED: 'The processes writing it were lost too often.',
  INTERNAL: 'A fault of ours; the log has the cause.',
} as const;

export type FailureCode = keyof typeof failureCodes;
