import { isObject } from '../../kernel/object.ts';
import { checkOf, textsOf } from '../check.ts';
import { addressesIn, hosts, hostUnit, ownAddresses } from '../own-addresses.ts';
import type { Stretch } from '../scan.ts';
import { withoutInvisible } from '../strip.ts';
import { isLinkedHost } from '../top-levels.ts';

/**
 * Anything that is written as a link: a scheme of the web with slashes of either kind, however many, another scheme with `//`, one that
 * runs or shows something or writes a message, `www.`, or a host behind `//` alone. It goes on to white space, an angle bracket, a quote or the address of a link in
 * Markdown: what ends it sooner for one program does not for another.
 */
const linkPattern =
  /(?:(?<![A-Za-z0-9])(?:https?:[/\\]|[A-Za-z][A-Za-z0-9+.-]{0,30}:\/\/|(?:javascript|data|vbscript|mailto):|www\.)|(?<![A-Za-z0-9:/\\])[/\\]{2}(?=[^\s/\\<>"]+\.[\p{L}\p{N}]))(?:(?!\]\()[^\s<>"])+/giu;
const hostPattern = /^(?:https?:\/\/)?([\p{L}\p{N}.-]+)([^/?#]*)/iu;
/** What is left of a host and not one of its letters: all before an `@` is a user's name, a backslash is a slash, and dots have other spellings. */
const goesOn = /[@\\%]|[.\u3002][\p{L}\p{N}]/u;
/** The same, in the address behind a text that is a link. */
const userBehind = /\]\([^\s<>"/?#]*[@\\]/y;

/**
 * What programs for mail make links of where nothing says so: an email address, and a host that ends as hosts do. Letters of scripts that set no space between
 * words stand around one and are none of it.
 */
const barePattern = new RegExp(
  String.raw`(?<![\p{Lu}\p{Ll}\p{M}\p{N}@.\\-])${hosts}(?!${hostUnit})([:/?#](?=[\p{L}\p{N}]))?`,
  'gu',
);

/**
 * Hosts that links in the text may lead to, by `http`, `https` or none; `example.org` stands for the hosts below it too. None: no links at all. Email addresses,
 * `mailto:` and hosts that stand by themselves (`example.org/page`) are links where a reader can click on them: addresses at an allowed host pass, and so do
 * addresses that a variable holds, such as the applicant's own, and hosts in one of at most 100 characters.
 */
export const links = checkOf(
  'links',
  read,
  ({ text, variables }, { allow }) => strangeLinkIn(text, { allow, own: ownAddresses(variables) }),
  ({ allow }, variables) => {
    const may = { allow, own: ownAddresses(variables) };
    return (piece) => strangeLinkIn(piece, may);
  },
);

interface Allowed {
  readonly allow: readonly string[];
  readonly own: ReadonlySet<string>;
}

function strangeLinkIn(text: string, may: Allowed): string | null {
  // As browsers read hosts: without what nobody sees, and wide letters as the plain ones.
  const read = withoutInvisible(text.normalize('NFKC'));
  const plain = unescaped(read);
  const strange = strangeIn(read, may) ?? (plain === read ? null : strangeIn(plain, may));
  return strange === null ? null : `leave out the link ${strange.slice(0, 200).replace(/[)\]}'.,;!]+$/, '')}`;
}

/** As programs for Markdown and HTML read it: a backslash takes a mark for itself, and there are other ways to write one. */
function unescaped(text: string): string {
  if (!/[\\&]/.test(text)) return text;
  return text
    .replaceAll(
      /&(?:#(\d{1,7})|#x([\da-f]{1,6})|(colon|sol|bsol|period|commat));/gi,
      (_all, decimal?: string, hex?: string, name?: string) => {
        if (name !== undefined) return named[name.toLowerCase()] ?? '';
        const point = decimal === undefined ? Number.parseInt(hex ?? '', 16) : Number(decimal);
        return point > 0x1f && point < 0x7f ? String.fromCharCode(point) : ' ';
      },
    )
    .replaceAll(/\\(?=[!-/:-@[-`{-~])/g, '');
}

const named: Readonly<Record<string, string>> = { colon: ':', sol: '/', bsol: '\\', period: '.', commat: '@' };

function strangeIn(read: string, may: Allowed): string | null {
  for (const { 0: link, index } of read.matchAll(linkPattern)) {
    userBehind.lastIndex = index + link.length;
    if (userBehind.test(read) || !isAllowed(link, may)) return link;
  }
  // A dot is in every address and host that stands by itself.
  if (!/\.[^\s.]/.test(read)) return null;
  const rest = read.replaceAll(linkPattern, ' ');
  const addresses = addressesIn(rest);
  const strange = addresses.map(({ start, end }) => rest.slice(start, end)).find((address) => !isAllowedAddress(address, may));
  return strange ?? strangeHostIn(without(rest, addresses), may);
}

function isAllowed(link: string, { allow, own }: Allowed): boolean {
  if (/^mailto:/i.test(link)) return isAllowedAddress(link.slice(7).replace(/[)\]}'".,;:!?*_`]+$/, ''), { allow, own });
  if (!/^(?:https?:\/\/|www\.)/i.test(link)) return false;
  const [, named = '', behind = ''] = hostPattern.exec(link) ?? [];
  return !goesOn.test(behind) && isAllowedHost(named, allow);
}

function isAllowedHost(named: string, allow: readonly string[]): boolean {
  const host = named.toLowerCase().replace(/\.+$/, '');
  return allow.some((domain) => host === domain.toLowerCase() || host.endsWith(`.${domain.toLowerCase()}`));
}

/** One address, with nothing behind it but a subject: a second one is a copy for somebody. */
function isAllowedAddress(address: string, { allow, own }: Allowed): boolean {
  const [, whole = '', domain = ''] = /^([^@?,;]+@([\p{L}\p{M}\p{N}.-]+))(?:\?subject=[^&]*)?$/iu.exec(address) ?? [];
  return whole !== '' && (own.has(whole.toLowerCase()) || isAllowedHost(domain, allow));
}

function without(text: string, stretches: readonly Stretch[]): string {
  let rest = '';
  let at = 0;
  for (const { start, end } of stretches) {
    rest += `${text.slice(at, Math.max(at, start))} `;
    at = end;
  }
  return rest + text.slice(at);
}

function strangeHostIn(text: string, { allow, own }: Allowed): string | null {
  let pathFrom = -1;
  for (const { 0: found, 1: behind, index } of text.matchAll(barePattern)) {
    // Behind a slash it is a part of the path of the host before it, if there is one.
    if (text[index - 1] === '/' && pathFrom >= 0 && !/\s/.test(text.slice(pathFrom, index))) {
      pathFrom = index + found.length;
      continue;
    }
    const host = hostIn(behind === undefined ? found : found.slice(0, -1), behind !== undefined);
    if (host === null) continue;
    pathFrom = behind === undefined ? -1 : index + found.length;
    if (!isAllowedHost(host, allow) && (behind !== undefined || !own.has(host.toLowerCase()))) return host;
  }
  return null;
}

/** A host that is linked, without the words of a next sentence that has no space before it. */
function hostIn(found: string, hasPath: boolean): string | null {
  if (isLinkedHost(found, hasPath)) return found;
  const last = found.lastIndexOf('.');
  const shorter = found.slice(0, last);
  return /^\p{Lu}/u.test(found.slice(last + 1)) && shorter.includes('.') && isLinkedHost(shorter, false) ? shorter : null;
}

function read(settings: unknown): { readonly allow: readonly string[] } | string {
  const allow = isObject(settings) && Object.keys(settings).join() === 'allow' ? textsOf(settings['allow'], 100) : null;
  return allow?.every((host) => /^[\p{L}\p{N}-]+(?:\.[\p{L}\p{N}-]+)+$/u.test(host))
    ? { allow }
    : 'must have a list `allow` of at most 100 host names';
}
