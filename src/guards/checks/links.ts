import { isObject } from '../../kernel/object.ts';
import { checkOf, textsOf } from '../check.ts';
import { withoutInvisible } from '../strip.ts';

/**
 * Anything that a reader's program may make a link of: a scheme of the web with slashes of either kind, however many, another scheme with `//`, one that
 * runs or shows something, `www.`, or a host behind `//` alone. It goes on to white space, an angle bracket, a quote or the address of a link in
 * Markdown: what ends it sooner for one program does not for another.
 */
const linkPattern =
  /(?:(?<![A-Za-z0-9])(?:https?:[/\\]|[A-Za-z][A-Za-z0-9+.-]{0,30}:\/\/|(?:javascript|data|vbscript):|www\.)|(?<![A-Za-z0-9:/\\])[/\\]{2}(?=[^\s/\\<>"]+\.[\p{L}\p{N}]))(?:(?!\]\()[^\s<>"])+/giu;
const hostPattern = /^(?:https?:\/\/)?([\p{L}\p{N}.-]+)([^/?#]*)/iu;
/** What is left of a host and not one of its letters: all before an `@` is a user's name, a backslash is a slash, and dots have other spellings. */
const goesOn = /[@\\%]|[.\u3002][\p{L}\p{N}]/u;
/** The same, in the address behind a text that is a link. */
const userBehind = /\]\([^\s<>"/?#]*[@\\]/y;

/** Hosts that links in the text may lead to, by `http`, `https` or none; `example.org` stands for the hosts below it too. None: no links at all. */
export const links = checkOf(
  'links',
  read,
  ({ text }, { allow }) => strangeLinkIn(text, allow),
  ({ allow }) =>
    (piece) =>
      strangeLinkIn(piece, allow),
);

function strangeLinkIn(text: string, allow: readonly string[]): string | null {
  // As browsers read hosts: without what nobody sees, and wide letters as the plain ones.
  const read = withoutInvisible(text.normalize('NFKC'));
  const plain = unescaped(read);
  return strangeIn(read, allow) ?? (plain === read ? null : strangeIn(plain, allow));
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

function strangeIn(read: string, allow: readonly string[]): string | null {
  for (const { 0: link, index } of read.matchAll(linkPattern)) {
    userBehind.lastIndex = index + link.length;
    if (userBehind.test(read) || !isAllowed(link, allow))
      return `leave out the link ${link.slice(0, 200).replace(/[)\]}'.,;!]+$/, '')}`;
  }
  return null;
}

function isAllowed(link: string, allow: readonly string[]): boolean {
  if (!/^(?:https?:\/\/|www\.)/i.test(link)) return false;
  const [, named = '', behind = ''] = hostPattern.exec(link) ?? [];
  const host = named.toLowerCase().replace(/\.+$/, '');
  return (
    !goesOn.test(behind) && allow.some((domain) => host === domain.toLowerCase() || host.endsWith(`.${domain.toLowerCase()}`))
  );
}

function read(settings: unknown): { readonly allow: readonly string[] } | string {
  const allow = isObject(settings) && Object.keys(settings).join() === 'allow' ? textsOf(settings['allow'], 100) : null;
  return allow?.every((host) => /^[\p{L}\p{N}-]+(?:\.[\p{L}\p{N}-]+)+$/u.test(host))
    ? { allow }
    : 'must have a list `allow` of at most 100 host names';
}
