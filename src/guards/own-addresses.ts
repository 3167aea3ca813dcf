import { isObject } from '../kernel/object.ts';
import type { Stretch } from './scan.ts';
import { withoutInvisible } from './strip.ts';

/** A letter or digit of a host; those of scripts that set no space between words stand around hosts and are none of them. */
export const hostUnit = String.raw`[\p{Lu}\p{Ll}\p{M}\p{N}-]`;
/** A host by its form, as a pattern. */
export const hosts = String.raw`(?:${hostUnit}{1,63}\.){1,40}${hostUnit}{2,63}`;

/** In a longer variable, such as a job posting, somebody else may have put hosts that a letter shall lead to. */
const longestValue = 100;
const someHost = new RegExp(hosts, 'gu');
const domainBehind = new RegExp(hosts, 'uy');
const localUnits = /[\p{L}\p{M}\p{N}.!#$%&'*+/=?^_\x60{|}~-]/u;
const longestLocal = 64;

/** Email addresses that variables hold, and bare hosts of short ones, in lower case: the applicant's own address, and a company called `Booking.com`. */
export function ownAddresses(value: unknown): ReadonlySet<string> {
  const found = new Set<string>();
  add(value, found);
  return found;
}

function add(value: unknown, found: Set<string>): void {
  if (typeof value === 'string') {
    if (value.length > longestValue && !/[@\uff20]/.test(value)) return;
    const text = withoutInvisible(value.normalize('NFKC')).toLowerCase();
    for (const { start, end } of addressesIn(text)) found.add(text.slice(start, end));
    if (value.length <= longestValue) for (const [host] of text.matchAll(someHost)) found.add(host);
  } else if (Array.isArray(value)) for (const item of value) add(item, found);
  else if (isObject(value)) for (const item of Object.values(value)) add(item, found);
}

/** Where email addresses stand in a text: looks outward from each `@`. */
export function addressesIn(text: string): Stretch[] {
  const found: Stretch[] = [];
  for (let at = text.indexOf('@'); at >= 0; at = text.indexOf('@', at + 1)) {
    domainBehind.lastIndex = at + 1;
    const domain = domainBehind.exec(text)?.[0];
    let start = at;
    while (start > 0 && at - start < longestLocal && localUnits.test(text[start - 1] ?? '')) start--;
    // Quotes, and marks of Markdown, are none of it.
    start += /^[.'*_\x60/{|=&~]*/.exec(text.slice(start, at))?.[0].length ?? 0;
    if (domain === undefined || start === at || !/\.\p{L}[\p{L}\p{M}\p{N}-]+$/u.test(domain)) continue;
    found.push({ start, end: at + 1 + domain.length });
  }
  return found;
}
