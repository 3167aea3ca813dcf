import { createCipheriv, createSecretKey, randomBytes } from 'node:crypto';
import { inspect } from 'node:util';
import { describe, expect, it } from 'vitest';
import { readMasterKeys } from '../../src/kernel/master-keys.ts';
import { fingerprintOf, seal, unseal, UnreadableError, type About } from '../../src/vault/seal.ts';

const key = createSecretKey(randomBytes(32));
const about: About = { tenantId: 'ten_1', purpose: 'provider credential', thing: 'openai' };
const plain = Buffer.from('sk-canary-of-the-seal');

describe('seal', () => {
  it('gives back what it was given, and shows nothing of it', () => {
    for (const text of ['', 'x', 'sk-canary-of-the-seal', 'ключ 🔑'.repeat(1_000)]) {
      const sealed = seal(key, Buffer.from(text), about);
      expect(unseal(key, sealed, about).toString()).toBe(text);
      expect(sealed).toMatch(/^v1\.[\w-]+$/);
      // Nonce and tag beside a ciphertext as long as the text.
      expect(Buffer.from(sealed.slice(3), 'base64url').length).toBe(12 + Buffer.byteLength(text) + 16);
    }
  });

  it('never takes a nonce twice', () => {
    const nonces = Array.from({ length: 1_000 }, () => seal(key, plain, about).slice(0, 3 + 16));
    expect(new Set(nonces).size).toBe(nonces.length);
  });

  it.each<[string, About]>([
    ['tenant', { ...about, tenantId: 'ten_2' }],
    ['purpose', { ...about, purpose: 'channel credential' }],
    ['thing', { ...about, thing: 'anthropic' }],
    ['split of the same letters', { ...about, purpose: 'provider credentialopen', thing: 'ai' }],
    ['split by a quote', { tenantId: 'ten_1","provider credential', purpose: 'openai', thing: '' }],
  ])('does not open as another %s', (_name, other) => {
    expect(() => unseal(key, seal(key, plain, about), other)).toThrow(UnreadableError);
  });

  it('does not open with another key', () => {
    expect(() => unseal(createSecretKey(randomBytes(32)), seal(key, plain, about), about)).toThrow(UnreadableError);
  });

  it('notices each byte that was changed, and each that is missing', () => {
    const bytes = Buffer.from(seal(key, plain, about).slice(3), 'base64url');
    for (let at = 0; at < bytes.length; at++) {
      const changed = Buffer.from(bytes);
      changed[at] = (changed[at] ?? 0) ^ 1;
      expect(() => unseal(key, `v1.${changed.toString('base64url')}`, about), `byte ${at}`).toThrow(UnreadableError);
      expect(() => unseal(key, `v1.${bytes.subarray(0, at).toString('base64url')}`, about), `${at} bytes`).toThrow(
        UnreadableError,
      );
    }
    expect(unseal(key, `v1.${bytes.toString('base64url')}`, about)).toEqual(plain);
  });

  it('takes no short tag, and no other format', () => {
    const nonce = randomBytes(12);
    const cipher = createCipheriv('aes-256-gcm', key, nonce, { authTagLength: 4 });
    cipher.setAAD(Buffer.from(JSON.stringify(['draftwire', about.tenantId, about.purpose, about.thing])));
    const short = Buffer.concat([nonce, cipher.update(plain), cipher.final(), cipher.getAuthTag()]);
    const sealed = seal(key, plain, about);
    for (const text of [`v1.${short.toString('base64url')}`, '', 'v1.', sealed.slice(3), `v2.${sealed.slice(3)}`, 'nonsense']) {
      expect(() => unseal(key, text, about), text).toThrow(UnreadableError);
    }
  });

  it('opens what an earlier release has stored', () => {
    const stored = 'v1.9Ck-8a6nRPYBElGapNmYdxj6RgR0tymJaA-iIbyrUNwulul0Du7F-sbzbUjV6Z-S5g';
    expect(unseal(createSecretKey(Buffer.from('0123456789abcdef'.repeat(2))), stored, about)).toEqual(plain);
  });

  it('says nothing of the secret when it fails', () => {
    try {
      unseal(key, seal(key, plain, about), { ...about, thing: 'anthropic' });
    } catch (error) {
      expect(`${inspect(error, { depth: 9 })} ${JSON.stringify(error)}`).not.toMatch(/canary|v1\./);
    }
    expect.assertions(1);
  });
});

describe('a fingerprint', () => {
  it('is the same for the same secret, key and purpose, and for nothing else', () => {
    const print = fingerprintOf(key, 'secret', 'a');
    expect(print).toMatch(/^[0-9a-f]{16}$/);
    expect(fingerprintOf(key, 'secret', 'a')).toBe(print);
    const others = [
      fingerprintOf(key, 'secret2', 'a'),
      fingerprintOf(key, 'secret', 'b'),
      fingerprintOf(createSecretKey(randomBytes(32)), 'secret', 'a'),
    ];
    expect(new Set([print, ...others]).size).toBe(4);
  });
});

describe('master keys', () => {
  const one = randomBytes(32).toString('base64');
  const two = randomBytes(32).toString('base64url');

  it('are read in their order, however they are separated and spelt', () => {
    const [first, second] = readMasterKeys(`${one},${two}`);
    expect(first?.key.export()).toEqual(Buffer.from(one, 'base64'));
    expect(first?.id).toMatch(/^[0-9a-f]{16}$/);
    for (const text of [`${one} ${two}`, `\n${one}\r\n${two}\n`, `${one} , ${two}`, `${one.replace(/=$/, '')},${two}=`]) {
      expect(readMasterKeys(text).map(({ id }) => id)).toEqual([first?.id, second?.id]);
    }
  });

  it.each([
    ['nothing', ' , ', 'there is no key in it'],
    ['16 bytes', randomBytes(16).toString('base64'), 'its key 1 is not 32 bytes in base64'],
    ['33 bytes', randomBytes(33).toString('base64'), 'its key 1 is not 32 bytes in base64'],
    ['hex', randomBytes(32).toString('hex'), 'its key 1 is not 32 bytes in base64'],
    ['a bad second', `${one},canary`, 'its key 2 is not 32 bytes in base64'],
    ['zeros', Buffer.alloc(32).toString('base64'), 'its key 1 is the same byte again and again'],
    ['one twice', `${one},${two},${one}`, /^it has the key [0-9a-f]{16} twice$/],
    ['eleven', Array.from({ length: 11 }, () => randomBytes(32).toString('base64')).join(), 'it has 11 keys; 10 are the most'],
  ])('are not %s', (_name, text, problem) => {
    expect(() => readMasterKeys(text)).toThrow(problem);
    expect(() => readMasterKeys(text)).not.toThrow('canary');
  });

  it('show nothing of themselves', () => {
    const keys = readMasterKeys(one);
    const shown = `${inspect(keys, { depth: 9, showHidden: true })} ${JSON.stringify(keys)}`;
    expect(shown).toContain(keys[0]?.id);
    expect(shown).not.toContain(one.slice(0, 8));
    expect(shown).not.toContain(Buffer.from(one, 'base64').toString('hex').slice(0, 8));
  });
});
