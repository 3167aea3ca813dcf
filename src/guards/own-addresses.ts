import { isObject } from '../kernel/object.ts';
import { withoutInvisible } from './strip.ts';

/** In a longer variable, such as a job posting, somebody else may have put them. */
const longestValue = 100;
const addressOrHost = /(?:[\p{L}\p{N}._%+-]{1,64}@)?(?:[\p{L}\p{N}-]{1,63}\.)+[\p{L}\p{N}-]{2,63}/gu;

/** Email addresses and bare hosts that short variables hold, in lower case: the applicant's own, and a company called `Booking.com`. */
export function ownAddresses(value: unknown): ReadonlySet<string> {
  const found = new Set<string>();
  add(value, found);
  return found;
}

function add(value: unknown, found: Set<string>): void {
  if (typeof value === 'string') {
    if (value.length > longestValue) return;
    for (const [address] of withoutInvisible(value.normalize('NFKC')).matchAll(addressOrHost)) found.add(address.toLowerCase());
  } else if (Array.isArray(value)) for (const item of value) add(item, found);
  else if (isObject(value)) for (const item of Object.values(value)) add(item, found);
}
