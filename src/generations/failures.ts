import { providerErrorCodes } from '../providers/port.ts';

/** The closed list of failure codes of a generation: the providers' own, and what can go wrong around them. */
export const failureCodes = {
  ...providerErrorCodes,
  ABANDONED: 'The processes writing it were lost too often.',
  INTERNAL: 'A fault of ours; the log has the cause.',
} as const;

export type FailureCode = keyof typeof failureCodes;
