import { readFile } from 'node:fs/promises';
import { expect, it } from 'vitest';

// What is sent at the door to break in, and the test that says what comes back, with its exact code on each way in that it can come by.
// A row whose test is gone, or is named otherwise, fails.

interface Row {
  readonly attack: string;
  /** Ways that the attack can come by; the test goes along all of them. */
  readonly ways: string;
  readonly code: string;
  readonly file: string;
  /** A piece of the test's name, or of the row of its table. */
  readonly test: string;
}

const everywhere = 'HTTP, WebSocket, SSE';
const tokens = { ways: everywhere, code: 'UNAUTHENTICATED, 4401', file: 'api/tokens.test.ts' };

const rows: readonly Row[] = [
  { attack: 'alg none', ...tokens, test: "'alg none'" },
  { attack: 'HS/RS confusion', ...tokens, test: "'the public key as a secret (HS/RS confusion)'" },
  { attack: 'kid injection', ...tokens, test: "'a kid that is SQL'" },
  { attack: 'expired', ...tokens, test: "'its time over'" },
  { attack: 'not yet valid', ...tokens, test: "'its time to come'" },
  { attack: 'wrong audience', ...tokens, test: "'another audience'" },
  { attack: 'unknown issuer', ...tokens, test: "'another issuer'" },
  {
    attack: 'a token of 100 KB',
    ways: everywhere,
    code: 'PAYLOAD_TOO_LARGE (431), 4401',
    file: 'api/tokens.test.ts',
    test: '100 KB is refused: over WebSocket as a token, over HTTP and SSE with its headers',
  },
  {
    attack: 'an Authorization header of 100 KB',
    ways: 'HTTP, the upgrade to a WebSocket, SSE',
    code: 'PAYLOAD_TOO_LARGE (431)',
    file: 'api/attacks.test.ts',
    test: 'of 100 KB are answered with 431 and a code',
  },
  {
    attack: 'two Authorization headers',
    ways: everywhere,
    code: 'UNAUTHENTICATED, 4401',
    file: 'api/attacks.test.ts',
    test: 'are UNAUTHENTICATED at %s, whichever of them is good',
  },
  {
    attack: 'two Authorization headers, one of them a token',
    ways: everywhere,
    code: 'UNAUTHENTICATED, 4401',
    file: 'api/tokens.test.ts',
    test: 'another beside it is refused: two Authorization headers',
  },
  {
    attack: 'a key with a wrong checksum',
    ways: everywhere,
    code: 'UNAUTHENTICATED, 4401',
    file: 'api/attacks.test.ts',
    test: 'is UNAUTHENTICATED over HTTP, SSE and WebSocket',
  },
  {
    attack: 'a key of a suspended tenant',
    ways: everywhere,
    code: 'FORBIDDEN (403), 4403',
    file: 'api/tenants.test.ts',
    test: 'lets nobody in, on any transport, until it is resumed',
  },
  {
    attack: 'an id of another tenant',
    ways: everywhere,
    code: 'as an id that nobody has',
    file: 'contract/foreign-ids.test.ts',
    test: 'is as good as unknown to $name',
  },
  {
    attack: 'a forged cursor of another tenant',
    ways: everywhere,
    code: 'a place in the own list: nothing of theirs; INVALID_CURSOR where the place is none',
    file: 'contract/foreign-ids.test.ts',
    test: 'leads to nothing of theirs in $name',
  },
  {
    attack: 'a forged cursor of a stream',
    ways: 'WebSocket, SSE',
    code: 'INVALID_CURSOR',
    file: 'contract/foreign-ids.test.ts',
    test: 'is none of a stream of ours, and opens none of theirs',
  },
  {
    attack: '__proto__ in JSON',
    ways: everywhere,
    code: 'BAD_REQUEST',
    file: 'api/attacks.test.ts',
    test: 'in a body: %s',
  },
  {
    attack: 'connection_init twice',
    ways: 'WebSocket',
    code: '4429',
    file: 'api/attacks.test.ts',
    test: 'that begins twice is closed with 4429',
  },
  {
    attack: 'no connection_init for 3 s',
    ways: 'WebSocket',
    code: '4408',
    file: 'api/attacks.test.ts',
    test: 'that says nothing is closed with 4408 after 3 s',
  },
  {
    attack: 'frames of 1 MB',
    ways: 'WebSocket',
    code: '1009',
    file: 'api/attacks.test.ts',
    test: 'that sends a megabyte as %s is closed with 1009',
  },
  {
    attack: 'bodies of 1 MB',
    ways: 'HTTP, SSE',
    code: 'PAYLOAD_TOO_LARGE (413)',
    file: 'api/attacks.test.ts',
    test: 'a megabyte over HTTP and SSE is PAYLOAD_TOO_LARGE',
  },
  {
    attack: '10,000 sockets',
    ways: 'WebSocket',
    code: 'RATE_LIMITED, 1013',
    file: 'faults/slots.test.ts',
    test: '10,000 sockets of one member',
  },
  {
    attack: 'sockets that neither begin nor answer a close',
    ways: 'HTTP, WebSocket',
    code: '4408 and each other close, then cut a second later',
    file: 'api/door.test.ts',
    test: 'whose peers do not answer a close are cut within seconds',
  },
  {
    attack: 'answers that are asked for and not read',
    ways: 'HTTP, SSE',
    code: 'cut after 90 s without a byte, 30 s where it is a stream',
    file: 'api/frozen.test.ts',
    test: 'answers that nobody reads are given up, and others are not',
  },
  {
    attack: 'subscriptions by the hundred',
    ways: 'WebSocket, SSE',
    code: 'RATE_LIMITED (429)',
    file: 'api/open-limits.test.ts',
    test: 'one too many is an error over WebSocket and 429 over SSE',
  },
  {
    attack: 'a subscription after its permission went',
    ways: 'WebSocket, SSE',
    code: 'FORBIDDEN within 5 s',
    file: 'faults/ended-access.test.ts',
    test: 'they end with FORBIDDEN within 5 s',
  },
  {
    attack: 'a subscription after its key was revoked',
    ways: 'WebSocket, SSE',
    code: 'FORBIDDEN within 5 s',
    file: 'faults/revoked-keys.test.ts',
    test: 'ends them with FORBIDDEN within 5 s',
  },
];

it.each(rows)('$attack, over $ways: $code ($file)', async ({ file, test }) => {
  expect(await readFile(new URL(`../${file}`, import.meta.url), 'utf8')).toContain(test);
});
