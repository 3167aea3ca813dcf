import { describe, expect, it } from 'vitest';
import { commandOf, UsageError } from '../../src/cli/command.ts';

describe('commandOf', () => {
  it('reads the commands', () => {
    expect(commandOf(['migrate'])).toEqual({ name: 'migrate' });
    expect(commandOf(['bootstrap', '--tenant', ' Acme ', '--email=ada@acme.example'])).toEqual({
      name: 'bootstrap',
      tenant: 'Acme',
      email: 'ada@acme.example',
    });
    expect(
      commandOf(['limits', '--tenant', 'ten_1', '--set', 'SOCKETS_PER_TENANT=5000', '--set', 'STARTS_PER_MEMBER=default']),
    ).toEqual({
      name: 'limits',
      tenant: 'ten_1',
      ceilings: new Map([
        ['SOCKETS_PER_TENANT', 5_000],
        ['STARTS_PER_MEMBER', null],
      ]),
    });
    expect(commandOf(['models', 'list'])).toEqual({ name: 'models', act: 'list' });
    expect(commandOf(['models', 'remove', '--id', 'openai/x'])).toEqual({ name: 'models', act: 'remove', id: 'openai/x' });
    expect(commandOf(['models', 'set', '--id', 'openai/x', '--set', 'PRICES=[{"a":"b=c"}]'])).toEqual({
      name: 'models',
      act: 'set',
      id: 'openai/x',
      changes: new Map([['PRICES', '[{"a":"b=c"}]']]),
    });
    expect(commandOf(['tenants', 'create', '--tenant', 'Acme', '--email=ada@acme.example'])).toEqual({
      name: 'tenants',
      act: 'create',
      tenant: 'Acme',
      email: 'ada@acme.example',
    });
    expect(commandOf(['tenants', 'list'])).toEqual({ name: 'tenants', act: 'list' });
    for (const act of ['suspend', 'resume'])
      expect(commandOf(['tenants', act, '--id', 'ten_1'])).toEqual({ name: 'tenants', act, id: 'ten_1' });
    expect(commandOf(['tenants', 'delete', '--id', 'ten_1', '--tenant', 'Acme'])).toEqual({
      name: 'tenants',
      act: 'delete',
      id: 'ten_1',
      tenant: 'Acme',
    });
  });

  it.each([
    ['nothing', [], 'a command is missing'],
    ['an unknown command', ['drop'], 'there is no command drop'],
    ['migrate with a word too many', ['migrate', 'now'], 'migrate takes no now'],
    ['migrate with an option', ['migrate', '--tenant', 'Acme'], 'migrate takes no options'],
    ['bootstrap without a tenant', ['bootstrap', '--email', 'a@b.example'], 'bootstrap needs --tenant NAME'],
    ['bootstrap with an empty tenant', ['bootstrap', '--tenant', ' ', '--email', 'a@b.example'], 'bootstrap needs --tenant NAME'],
    ['bootstrap without an address', ['bootstrap', '--tenant', 'Acme', '--email', 'nobody'], 'bootstrap needs --email EMAIL'],
    ['bootstrap with another command’s option', ['bootstrap', '--tenant', 'Acme', '--set', 'A=1'], 'bootstrap takes no --set'],
    ['limits without a tenant', ['limits'], 'limits needs --tenant ID'],
    [
      'limits with a setting twice',
      ['limits', '--tenant', 'ten_1', '--set', 'SOCKETS_PER_TENANT=1', '--set', 'SOCKETS_PER_TENANT=2'],
      '--set SOCKETS_PER_TENANT is given twice',
    ],
    [
      'models with a setting twice',
      ['models', 'set', '--id', 'openai/a', '--set', 'PRICES=[]', '--set', 'PRICES=[1]'],
      '--set PRICES is given twice',
    ],
    ['limits with half a setting', ['limits', '--tenant', 'ten_1', '--set', 'SOCKETS=-1'], '--set SOCKETS=-1 is not of the form'],
    ['bootstrap with an id', ['bootstrap', '--id', 'x', '--tenant', 'A', '--email', 'a@b.example'], 'bootstrap takes no --id'],
    ['tenants alone', ['tenants'], 'tenants takes list, create, suspend, resume or delete, not nothing'],
    ['tenants with an unknown act', ['tenants', 'drop'], 'tenants takes list, create, suspend, resume or delete, not drop'],
    ['tenants list with an option', ['tenants', 'list', '--id', 'x'], 'tenants list takes no options'],
    ['tenants suspend without an id', ['tenants', 'suspend'], 'tenants suspend needs --id ID'],
    ['tenants suspend with a name', ['tenants', 'suspend', '--id', 'x', '--tenant', 'y'], 'tenants suspend takes no --tenant'],
    ['tenants delete without the name', ['tenants', 'delete', '--id', 'x'], 'tenants delete needs --tenant NAME'],
    ['tenants resume with a word too many', ['tenants', 'resume', 'now'], 'tenants resume takes no now'],
    ['an unknown option', ['bootstrap', '--name', 'Acme'], "Unknown option '--name'"],
  ])('refuses %s', (_what, args, message) => {
    expect(() => commandOf(args)).toThrow(UsageError);
    expect(() => commandOf(args)).toThrow(message);
  });
});
