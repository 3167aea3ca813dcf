import { parseArgs } from 'node:util';

/** What an operator asks for. */
export type Command =
  | { readonly name: 'migrate' }
  | { readonly name: 'rewrap' }
  | { readonly name: 'bootstrap'; readonly tenant: string; readonly email: string }
  | {
      readonly name: 'limits';
      /** Its id. */
      readonly tenant: string;
      /** Ceilings by the name of the limit; null for the configured one. */
      readonly ceilings: ReadonlyMap<string, number | null>;
    };

/** What was typed is no command. */
export class UsageError extends Error {}

export const usage = `Usage:
  npm run admin -- migrate
      Brings the schema at DATABASE_URL up to this build, as the owner (DATABASE_OWNER_URL, or DATABASE_URL
      where they are the same), and lets the user of DATABASE_URL use it. Safe to repeat.
  npm run admin -- bootstrap --tenant NAME --email EMAIL
      Makes a tenant and its owner; prints the owner's key, this once. Needs the SECRET of the servers.
  npm run admin -- limits --tenant ID [--set NAME=MOST ...]
      Sets what a tenant is allowed at most, such as SOCKETS_PER_TENANT=5000 (0 for any amount, "default" for what is
      configured), and prints what is set. Holds within seconds on every running process.
  npm run admin -- rewrap
      Wraps the data keys of all tenants with the first key of MASTER_KEY, so that the others can be dropped. Needs the MASTER_KEY
      of the servers, which may go on working. Safe to repeat.
`;

/** The command that the words of a command line are; throws UsageError. */
export function commandOf(args: readonly string[]): Command {
  const { positionals, values } = parsed(args);
  const [name, ...rest] = positionals;
  if (name === undefined) throw new UsageError('a command is missing');
  const options = optionsOf[name];
  if (!options) throw new UsageError(`there is no command ${name}`);
  if (rest.length > 0) throw new UsageError(`${name} takes no ${rest.join(' ')}`);
  const stranger = Object.keys(values).find((option) => !options.includes(option));
  if (stranger !== undefined) {
    throw new UsageError(options.length === 0 ? `${name} takes no options` : `${name} takes no --${stranger}`);
  }
  if (name === 'bootstrap') return { name, ...ownerOf(values) };
  if (name === 'limits') return { name, ...ceilingsOf(values) };
  return { name: name === 'rewrap' ? name : 'migrate' };
}

const optionsOf: Readonly<Record<string, readonly string[]>> = {
  migrate: [],
  rewrap: [],
  bootstrap: ['tenant', 'email'],
  limits: ['tenant', 'set'],
};

function parsed(args: readonly string[]) {
  try {
    return parseArgs({
      args: [...args],
      allowPositionals: true,
      options: { tenant: { type: 'string' }, email: { type: 'string' }, set: { type: 'string', multiple: true } },
    });
  } catch (error) {
    throw new UsageError(error instanceof Error ? error.message : String(error));
  }
}

function ownerOf({ tenant = '', email = '' }: { tenant?: string; email?: string }): { tenant: string; email: string } {
  if (tenant.trim() === '') throw new UsageError('bootstrap needs --tenant NAME');
  if (!/^[^\s@]+@[^\s@]+$/.test(email)) throw new UsageError('bootstrap needs --email EMAIL, an address like ada@example.org');
  return { tenant: tenant.trim(), email };
}

function ceilingsOf({ tenant = '', set = [] }: { tenant?: string; set?: string[] }) {
  if (tenant.trim() === '') throw new UsageError('limits needs --tenant ID');
  const ceilings = new Map(
    set.map((text) => {
      const [, name, most] = /^([A-Z_]+)=(\d+|default)$/.exec(text) ?? [];
      if (name === undefined) throw new UsageError(`--set ${text} is not of the form NAME=MOST, such as SOCKETS_PER_TENANT=5000`);
      return [name, most === 'default' ? null : Number(most)] as const;
    }),
  );
  return { tenant: tenant.trim(), ceilings };
}
