import { isObject } from '../../kernel/object.ts';
import { checkOf, textsOf } from '../check.ts';

/** Anything that a reader's program may make a link of: with a scheme and `//`, a scheme that runs or shows something, or `www.`. */
const linkPattern = /(?<![A-Za-z0-9])(?:[A-Za-z][A-Za-z0-9+.-]{0,30}:\/\/|(?:javascript|data|vbscript):|www\.)[^\s<>"'\])}]+/gi;
const hostPattern = /^(?:[a-z][a-z0-9+.-]*:\/\/)?(?:[^/?#@]*@)?([^/?#:]+)/i;

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
  const strange = [...text.matchAll(linkPattern)].map(({ 0: link }) => link).find((link) => !isAllowed(link, allow));
  return strange === undefined ? null : `leave out the link ${strange.slice(0, 200)}`;
}

function isAllowed(link: string, allow: readonly string[]): boolean {
  if (!/^(?:https?:\/\/|www\.)/i.test(link)) return false;
  const host = hostPattern.exec(link)?.[1]?.toLowerCase().replace(/\.+$/, '') ?? '';
  return allow.some((domain) => host === domain.toLowerCase() || host.endsWith(`.${domain.toLowerCase()}`));
}

function read(settings: unknown): { readonly allow: readonly string[] } | string {
  const allow = isObject(settings) && Object.keys(settings).join() === 'allow' ? textsOf(settings['allow'], 100) : null;
  return allow?.every((host) => /^[\p{L}\p{N}-]+(?:\.[\p{L}\p{N}-]+)+$/u.test(host))
    ? { allow }
    : 'must have a list `allow` of at most 100 host names';
}
