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
    }
  | { readonly name: 'models'; readonly act: 'list' }
  | { readonly name: 'models'; readonly act: 'remove'; readonly id: string }
  /** Settings by name, as they were typed. */
  | { readonly name: 'models'; readonly act: 'set'; readonly id: string; readonly changes: ReadonlyMap<string, string> }
  | { readonly name: 'tenants'; readonly act: 'list' }
  | { readonly name: 'tenants'; readonly act: 'create'; readonly tenant: string; readonly email: string }
  | { readonly name: 'tenants'; readonly act: 'suspend' | 'resume'; readonly id: string }
  | { readonly name: 'tenants'; readonly act: 'delete'; readonly id: string; readonly tenant: string };

/** What was typed is no command. */
export class UsageError extends Error {}

export const usage = `Usage:
  npm run admin -- migrate
      Brings the schema at DATABASE_URL up to this build, as the owner (DATABASE_OWNER_URL, or DATABASE_URL
      where they are the same), and lets the user of DATABASE_URL use it. Safe to repeat.
  npm run admin -- bootstrap --tenant NAME --email EMAIL
      Makes a tenant and its owner; prints the owner's key, this once. Needs the SECRET of the servers.
      The people of the first one run the installation: they can make tenants over the API, too. It says so where another does.
  npm run admin -- limits --tenant ID [--set NAME=MOST ...]
      Sets what a tenant is allowed at most, such as SOCKETS_PER_TENANT=5000 (0 for any amount, "default" for what is
      configured), and prints what is set. Holds within seconds on every running process.
  npm run admin -- models list
      Lists what is set of models, in place of what is built in.
  npm run admin -- models set --id PROVIDER/NAME --set NAME=VALUE ...
      Says what a model can (CONTEXT_WINDOW=200000, MAX_OUTPUT_TOKENS=64000, STRUCTURED_OUTPUT=true), when it ends
      (RETIRES_AT=2026-11-30) and what it costs, in US dollars for a million tokens: PRICES='[{"input":0.2,"output":1.2}]'; each
      line may also have cachedInput, cacheWrite, from (a day), above (input tokens) and isBatch. "default" goes back to what is
      built in. A model that is not built in is offered from then on. Holds within seconds on every running process.
  npm run admin -- models remove --id PROVIDER/NAME
      Goes back to what is built in.
  npm run admin -- tenants list
      Lists id, status and name of all tenants.
  npm run admin -- tenants create --tenant NAME --email EMAIL
      The same, for tenants that do not run the installation.
  npm run admin -- tenants suspend --id ID
  npm run admin -- tenants resume --id ID
      Lets nobody of a tenant in, at once (where a process does not hear of it: within 5 seconds), and in again. What waits
      to be written waits meanwhile.
  npm run admin -- tenants delete --id ID --tenant NAME
      Deletes a tenant for good, with everything in it: the servers clear it away.
  npm run admin -- rewrap
      Wraps the data keys of all tenants with the first key of MASTER_KEY, so that the others can be dropped. Needs the MASTER_KEY
      of the servers, which may go on working. Safe to repeat.
`;

/** The command that the words of a command line are; throws UsageError. */
export function commandOf(args: readonly string[]): Command {
  const { positionals, values } = parsed(args);
  const [name, ...rest] = positionals;
  if (name === undefined) throw new UsageError('a command is missing');
  if (name === 'tenants') return tenantsCommandOf(rest, values);
  if (name === 'models') return modelsCommandOf(rest, values);
  if (name !== 'migrate' && name !== 'bootstrap' && name !== 'rewrap' && name !== 'limits')
    throw new UsageError(`there is no command ${name}`);
  if (rest.length > 0) throw new UsageError(`${name} takes no ${rest.join(' ')}`);
  if (name === 'bootstrap') return { name, ...ownerOf(name, values) };
  if (name === 'limits') return { name, ...ceilingsOf(values) };
  if (Object.keys(values).length > 0) throw new UsageError(`${name} takes no options`);
  return { name };
}

function parsed(args: readonly string[]) {
  try {
    return parseArgs({
      args: [...args],
      allowPositionals: true,
      options: {
        tenant: { type: 'string' },
        email: { type: 'string' },
        id: { type: 'string' },
        set: { type: 'string', multiple: true },
      },
    });
  } catch (error) {
    throw new UsageError(error instanceof Error ? error.message : String(error));
  }
}

interface Options {
  readonly tenant?: string;
  readonly email?: string;
  readonly id?: string;
  readonly set?: readonly string[];
}

function ownerOf(command: string, { tenant = '', email = '', id, set }: Options): { tenant: string; email: string } {
  if (id !== undefined) throw new UsageError(`${command} takes no --id`);
  if (set !== undefined) throw new UsageError(`${command} takes no --set`);
  if (tenant.trim() === '') throw new UsageError(`${command} needs --tenant NAME`);
  if (!/^[^\s@]+@[^\s@]+$/.test(email)) throw new UsageError(`${command} needs --email EMAIL, an address like ada@example.org`);
  return { tenant: tenant.trim(), email };
}

function ceilingsOf({ tenant = '', set = [], email, id }: Options) {
  for (const [name, value] of Object.entries({ email, id }))
    if (value !== undefined) throw new UsageError(`limits takes no --${name}`);
  if (tenant.trim() === '') throw new UsageError('limits needs --tenant ID');
  const ceilings = eachOnce(
    set.map((text) => {
      const [, name, most] = /^([A-Z_]+)=(\d+|default)$/.exec(text) ?? [];
      if (name === undefined) throw new UsageError(`--set ${text} is not of the form NAME=MOST, such as SOCKETS_PER_TENANT=5000`);
      return [name, most === 'default' ? null : Number(most)] as const;
    }),
  );
  return { tenant: tenant.trim(), ceilings };
}

function tenantsCommandOf([act = '', ...rest]: readonly string[], values: Options): Command {
  const command = `tenants ${act}`.trim();
  if (rest.length > 0) throw new UsageError(`${command} takes no ${rest.join(' ')}`);
  if (act === 'create') return { name: 'tenants', act, ...ownerOf(command, values) };
  const { id = '', tenant = '', email, set } = values;
  if (email !== undefined) throw new UsageError(`${command} takes no --email`);
  if (set !== undefined) throw new UsageError(`${command} takes no --set`);
  switch (act) {
    case 'list':
      if (Object.keys(values).length > 0) throw new UsageError(`${command} takes no options`);
      return { name: 'tenants', act };
    case 'suspend':
    case 'resume':
    case 'delete':
      if (id === '') throw new UsageError(`${command} needs --id ID`);
      if (act === 'delete') {
        if (tenant === '') throw new UsageError(`${command} needs --tenant NAME, the name of what is to go`);
        return { name: 'tenants', act, id, tenant };
      }
      if (tenant !== '') throw new UsageError(`${command} takes no --tenant`);
      return { name: 'tenants', act, id };
    default:
      throw new UsageError(`tenants takes list, create, suspend, resume or delete, not ${act === '' ? 'nothing' : act}`);
  }
}

function modelsCommandOf([act = '', ...rest]: readonly string[], values: Options): Command {
  const command = `models ${act}`.trim();
  if (rest.length > 0) throw new UsageError(`${command} takes no ${rest.join(' ')}`);
  const { id = '', set, tenant, email } = values;
  for (const [name, value] of Object.entries({ tenant, email }))
    if (value !== undefined) throw new UsageError(`${command} takes no --${name}`);
  switch (act) {
    case 'list':
      if (Object.keys(values).length > 0) throw new UsageError(`${command} takes no options`);
      return { name: 'models', act };
    case 'remove':
    case 'set':
      if (id === '') throw new UsageError(`${command} needs --id PROVIDER/NAME`);
      if (act === 'set') return { name: 'models', act, id, changes: changesOf(set) };
      if (set !== undefined) throw new UsageError(`${command} takes no --set`);
      return { name: 'models', act, id };
    default:
      throw new UsageError(`models takes list, set or remove, not ${act === '' ? 'nothing' : act}`);
  }
}

function changesOf(set: readonly string[] = []): ReadonlyMap<string, string> {
  if (set.length === 0) throw new UsageError('models set needs --set NAME=VALUE');
  return eachOnce(
    set.map((text) => {
      const [, name, value] = /^([A-Z_]+)=([\s\S]+)$/.exec(text) ?? [];
      if (name === undefined || value === undefined)
        throw new UsageError(`--set ${text} is not of the form NAME=VALUE, such as RETIRES_AT=2026-11-30`);
      return [name, value] as const;
    }),
  );
}

/** Which of two values for one name is meant, nobody can tell. */
function eachOnce<T>(settings: readonly (readonly [string, T])[]): Map<string, T> {
  const given = new Map(settings);
  const twice = settings.find(([name], index) => settings.findIndex(([other]) => other === name) < index);
  if (twice) throw new UsageError(`--set ${twice[0]} is given twice`);
  return given;
}
