import { providerErrorCodes } from '../providers/port.ts';

/** Why a model that was tried does not work: its provider's failure, or budgets that let nobody be asked. */
export const verdictWords = {
  ...providerErrorCodes,
  BUDGET_EXCEEDED: 'A budget has no room for the call; nobody was called.',
  PRICE_UNKNOWN: 'A budget in money does not allow a model without a known price; nobody was called.',
} as const;

export type VerdictCode = keyof typeof verdictWords;

/** Those that are no provider's. */
export const verdictCodes = ['BUDGET_EXCEEDED', 'PRICE_UNKNOWN'] as const satisfies readonly VerdictCode[];
