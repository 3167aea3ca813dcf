import { isObject } from '../kernel/object.ts';
import type { IssuerRow } from './issuers.table.ts';

/** The claims of a token that was verified. */
export type Claims = Readonly<Record<string, unknown>>;

/** Who a token is about. */
export interface Person {
  readonly subject: string;
  /** An address that is not known to be unproved; null when the token has none. */
  readonly email: string | null;
}

const longestSubject = 255;
const longestEmail = 254;
const mostWords = 500;

/**
 * A claim by its name (`https://acme.example/roles`) or, when there is none of that name, by its way through objects
 * (`realm_access.roles`); undefined when there is none.
 */
function claimOf(claims: Claims, name: string): unknown {
  if (Object.hasOwn(claims, name)) return claims[name];
  return name
    .split('.')
    .reduce<unknown>((found, part) => (isObject(found) && Object.hasOwn(found, part) ? found[part] : undefined), claims);
}

/** Whom a token is about; null when the claim that names people is absent, or no name. */
export function personOf(claims: Claims, issuer: Pick<IssuerRow, 'subjectClaim' | 'emailClaim'>): Person | null {
  const subject = claimOf(claims, issuer.subjectClaim);
  if (typeof subject !== 'string' || subject === '' || subject.length > longestSubject || !isText(subject)) return null;
  const email = issuer.emailClaim === null ? undefined : claimOf(claims, issuer.emailClaim);
  const isGood =
    typeof email === 'string' &&
    email.length <= longestEmail &&
    isText(email) &&
    /^[^\s@]+@[^\s@]+$/.test(email) &&
    claims['email_verified'] !== false;
  return { subject, email: isGood ? email : null };
}

/**
 * The roles of the person of a token: all that the claim gives, else the issuer's usual one; null when there is none. The claim is a list of
 * words, or words in one text with spaces between them, as in `scope`.
 */
export function rolesOf(claims: Claims, issuer: Pick<IssuerRow, 'roleClaim' | 'roles' | 'defaultRole'>): string[] | null {
  const given = issuer.roleClaim === null ? undefined : claimOf(claims, issuer.roleClaim);
  const words = Array.isArray(given) ? given.slice(0, mostWords) : typeof given === 'string' ? [given, ...given.split(' ')] : [];
  const granted = issuer.roles.filter(({ value }) => words.includes(value)).map(({ role }) => role);
  if (granted.length > 0) return [...new Set(granted)];
  return issuer.defaultRole === null ? null : [issuer.defaultRole];
}

/** Whether a database takes it, and a person can read it. */
function isText(text: string): boolean {
  return text.isWellFormed() && !/\p{Cc}/u.test(text);
}
