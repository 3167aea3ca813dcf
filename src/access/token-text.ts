import { decodeJwt, decodeProtectedHeader } from 'jose';
import { AppError } from '../kernel/errors.ts';
import { isSigningAlgorithm, signingAlgorithms } from './algorithms.ts';

/** A token taken apart. Nothing in it is proved yet: it only says where to look. */
export interface ShownToken {
  readonly text: string;
  readonly issuer: string;
  readonly audiences: readonly string[];
}

/** Longer ones are refused unread; issuers that name all of a person's groups come to some thousand characters. */
const longestToken = 8_192;
const pattern = /^Bearer +([\w-]+\.[\w-]*\.[\w-]*)$/i;
const printable = /^[\x20-\x7e]{1,512}$/;
const mostAudiences = 20;
/** `typ` of access and id tokens (RFC 9068 has them say so). Other tokens of the same issuer, such as a logout token, are no proof of anybody. */
const types: ReadonlySet<unknown> = new Set([undefined, 'jwt', 'at+jwt', 'application/at+jwt', 'application/jwt']);

/** The JWT in an Authorization value; null when it has not the form of one. */
export function tokenOf(authorization: string): string | null {
  return pattern.exec(authorization)?.[1] ?? null;
}

/** Reads what a token says about itself. Throws UNAUTHENTICATED for what could never be good, whoever issued it. */
export function readToken(text: string): ShownToken {
  if (text.length > longestToken) throw refusedToken(`this token has ${text.length} characters, more than ${longestToken}`);
  const { alg, crit, typ } = parsed(text, decodeProtectedHeader);
  if (!isSigningAlgorithm(alg))
    throw refusedToken(`this token is not signed in a way that is taken here: ${signingAlgorithms.join(', ')}`);
  if (crit !== undefined) throw refusedToken('this token demands extensions (crit); none are known here');
  if (!types.has(typeof typ === 'string' ? typ.toLowerCase() : typ))
    throw refusedToken('this token is of a type (typ) that proves nobody');
  const { iss, aud } = parsed(text, decodeJwt);
  const audiences = (Array.isArray(aud) ? aud : [aud]).slice(0, mostAudiences);
  return {
    text,
    issuer: typeof iss === 'string' && printable.test(iss) ? iss : '',
    audiences: audiences.filter((each): each is string => typeof each === 'string' && printable.test(each)),
  };
}

/** A refusal that says what is wrong with a token. */
export function refusedToken(message: string, cause?: unknown): AppError {
  return new AppError('UNAUTHENTICATED', message, { cause });
}

function parsed<T>(text: string, parse: (text: string) => T): T {
  try {
    return parse(text);
  } catch (cause) {
    throw refusedToken('this token is no JWT', cause);
  }
}
