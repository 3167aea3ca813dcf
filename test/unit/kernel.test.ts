import { describe, expect, it } from 'vitest';
import { idOfName, idOfUuid, newId, prefixOfId, uuidOfId } from '../../src/kernel/id.ts';
import { Lifecycle } from '../../src/kernel/lifecycle.ts';
import { openLog } from '../../src/kernel/log.ts';
import { allPermissions, Scope } from '../../src/kernel/scope.ts';

describe('ids', () => {
  it('go to uuids and back', () => {
    for (const uuid of [
      '00000000-0000-0000-0000-000000000000',
      'ffffffff-ffff-ffff-ffff-ffffffffffff',
      '0190a3a1-7c5c-7bd4-9f0e-2b0f3c4d5e6f',
    ]) {
      const id = idOfUuid('gen', uuid);
      expect(id).toMatch(/^gen_[0-9a-hjkmnp-tv-z]{26}$/);
      expect(uuidOfId(id, 'gen')).toBe(uuid);
    }
  });

  it('sort by the time they were made', async () => {
    const ids = Array.from({ length: 1_000 }, () => newId('gen'));
    expect(ids.toSorted()).toEqual(ids);
    expect(new Set(ids).size).toBe(1_000);
  });

  it('are the same for the same name, and other for another', () => {
    expect(idOfName('tpl', 'library/a')).toBe(idOfName('tpl', 'library/a'));
    expect(idOfName('tpl', 'library/a')).not.toBe(idOfName('tpl', 'library/b'));
    expect(uuidOfId(idOfName('tpl', 'library/a'))?.[14]).toBe('8');
  });

  it.each([
    ['', null],
    ['gen_', null],
    ['gen_00000000000000000000000000', 'gen'],
    ['gen_80000000000000000000000000', null],
    ['gen_0000000000000000000000000u', null],
    ['GEN_00000000000000000000000000', null],
    ['xyz_00000000000000000000000000', null],
    ['constructor_0000000000000000000', null],
    ['gen_000000000000000000000000000', null],
  ])('prefix of %j is %j', (text, prefix) => {
    expect(prefixOfId(text)).toBe(prefix);
  });

  it('are of one kind', () => {
    expect(uuidOfId(newId('tpl'), 'gen')).toBeNull();
  });
});

describe('Lifecycle', () => {
  it('closes in reverse order, once, and goes on after a part that fails or hangs', async () => {
    const life = new Lifecycle();
    const closed: string[] = [];
    life.onStop('first', () => closed.push('first'));
    life.onStop('broken', () => {
      throw new Error('cannot');
    });
    life.onStop('stuck', () => new Promise(() => undefined));
    life.onStop('last', async () => closed.push('last'));
    const [one, two] = await Promise.all([life.stop(20), life.stop(20)]);
    expect(closed).toEqual(['last', 'first']);
    expect(one).toBe(two);
    expect(one.map(({ message }) => message)).toEqual(['could not stop stuck', 'could not stop broken']);
  });
});

describe('Scope', () => {
  const scope = new Scope(newId('ten'), newId('mem'), { kind: 'key', id: newId('key') }, ['generations:read']);

  it('holds what it was given and names what is missing', () => {
    expect(scope.permissions).toEqual(['generations:read']);
    expect(() => scope.require('generations:read')).not.toThrow();
    for (const permission of allPermissions.filter((each) => each !== 'generations:read')) {
      expect(() => scope.require(permission)).toThrow(
        expect.objectContaining({ code: 'FORBIDDEN', message: `this needs the permission ${permission}` }),
      );
    }
  });
});

describe('the log', () => {
  it('writes JSON and no secrets', () => {
    const lines: string[] = [];
    const log = openLog({ level: 'info', destination: { write: (line) => void lines.push(line) } });
    log.info(
      { key: 'canary', request: { authorization: 'canary', input: { variables: 'canary' } }, generationId: 'gen_1' },
      'hello',
    );
    log.debug('not at this level');
    expect(lines.length).toBe(1);
    expect(lines[0]).not.toContain('canary');
    expect(JSON.parse(lines[0] ?? '')).toMatchObject({ level: 30, msg: 'hello', generationId: 'gen_1', key: '[redacted]' });
  });

  it('shows of errors what they are, not what they quote', () => {
    const lines: string[] = [];
    const log = openLog({ level: 'info', destination: { write: (line) => void lines.push(line) } });
    const row = Object.assign(new Error('duplicate key value violates unique constraint "members_email"'), {
      severity: 'ERROR',
      code: '23505',
      detail: 'Key (email)=(canary) already exists.',
      where: 'canary',
      parameters: ['canary'],
      table_name: 'members',
      constraint_name: 'members_email',
    });
    const value = Object.assign(new Error('invalid input syntax for type uuid: "canary"\n  canary'), {
      severity: 'ERROR',
      code: '22P02',
    });
    const parse = new SyntaxError('Unexpected token c, "canary" is not valid JSON');
    log.error({ err: new AggregateError([value, parse, 'canary'], 'several', { cause: row }) }, 'failed');

    expect(lines[0]).not.toContain('canary');
    expect(JSON.parse(lines[0] ?? '')).toMatchObject({
      err: {
        type: 'AggregateError',
        message: 'several',
        stack: expect.stringMatching(/^\s+at /),
        cause: { message: row.message, code: '23505', table: 'members', constraint: 'members_email' },
        errors: [{ code: '22P02' }, { type: 'SyntaxError' }, { type: 'string' }],
      },
    });
  });
});
