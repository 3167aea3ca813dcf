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
    ['limits with half a setting', ['limits', '--tenant', 'ten_1', '--set', 'SOCKETS=-1'], '--set SOCKETS=-1 is not of the form'],
    ['an unknown option', ['bootstrap', '--name', 'Acme'], "Unknown option '--name'"],
  ])('refuses %s', (_what, args, message) => {
    expect(() => commandOf(args)).toThrow(UsageError);
    expect(() => commandOf(args)).toThrow(message);
  });
});
