import type { Detector, Found } from './kinds.ts';
import { isDigit, isSmall } from './letters.ts';
import type { Scanned } from './scan.ts';

/** Sites whose addresses name a person, and what stands before the name; empty where the name comes first. */
const sites = new Map<string, readonly string[]>([
  ['linkedin.com', ['in', 'pub']],
  ['xing.com', ['profile']],
  ['github.com', []],
  ['gist.github.com', []],
  ['gitlab.com', []],
  ['bitbucket.org', []],
  ['codeberg.org', []],
  ['sourceforge.net', ['u']],
  ['twitter.com', []],
  ['x.com', []],
  ['bsky.app', ['profile']],
  ['threads.net', []],
  ['threads.com', []],
  ['instagram.com', []],
  ['facebook.com', []],
  ['fb.com', []],
  ['vk.com', []],
  ['t.me', []],
  ['tiktok.com', []],
  ['youtube.com', ['@', 'user', 'c']],
  ['twitch.tv', []],
  ['medium.com', ['@']],
  ['dev.to', []],
  ['hashnode.com', ['@']],
  ['stackoverflow.com', ['users']],
  ['kaggle.com', []],
  ['huggingface.co', []],
  ['leetcode.com', ['u']],
  ['hackerrank.com', ['profile']],
  ['codepen.io', []],
  ['behance.net', []],
  ['dribbble.com', []],
  ['researchgate.net', ['profile']],
  ['orcid.org', []],
  ['keybase.io', []],
  ['about.me', []],
  ['linktr.ee', []],
  ['calendly.com', []],
  ['soundcloud.com', []],
  ['mastodon.social', ['@']],
]);

/** Sites that give each person a name before their own. */
const homes = ['.github.io', '.gitlab.io', '.substack.com', '.wordpress.com', '.blogspot.com', '.medium.com', '.tumblr.com'];

/** First words of addresses that are pages of the site itself. */
const pages = new Set(
  (
    'about actions apps blog business careers company contact customers developers docs enterprise events explore features groups hashtag help home i ' +
    'intent jobs join learn legal login marketplace models orgs pages policies pricing privacy search security settings share site sponsors status ' +
    'support team terms topics trending watch'
  ).split(' '),
);

const handleUnits = /[\p{L}\p{M}\p{N}._~%+-]/u;
const longestHandle = 100;
const longestHost = 60;

/** Words before an `@name`. */
const label =
  /(?:^|[^\p{L}\p{N}])(?:twitter|instagram|insta|github|gitlab|linkedin|xing|mastodon|telegram|tiktok|threads|bluesky|skype|discord|snapchat|youtube|handle)[ \t]*[:(|-]{0,2}[ \t]*$/u;
const labelReach = 24;

/** Names of people on other sites: in the addresses of their pages, and behind an `@` that a word for such a site stands before. */
export const handleDetector: Detector = {
  kind: 'handle',
  find: (scanned) => [...inPaths(scanned), ...inHosts(scanned), ...labelled(scanned)],
};

/** Looks at every slash: whether what is before it is such a site, and what is behind it a name. */
function inPaths({ text, lower }: Scanned): Found[] {
  const found: Found[] = [];
  for (let slash = lower.indexOf('/'); slash >= 0; slash = lower.indexOf('/', slash + 1)) {
    const first = sites.get(hostBefore(lower, slash));
    if (!first) continue;
    let start = slash + 1;
    const before = first.find((word) => lower.startsWith(word === '@' ? word : `${word}/`, start));
    if (first.length > 0 && before === undefined) continue;
    if (before !== undefined) start += before === '@' ? 1 : before.length + 1;
    if (text[start] === '@') start++;
    const end = endOfHandle(text, start);
    if (end > start && !pages.has(lower.slice(start, end))) found.push({ kind: 'handle', start, end });
  }
  return found;
}

/** The host that ends before a slash, without what is the same site: `www.`, and a country's own `de.`. */
function hostBefore(lower: string, slash: number): string {
  let start = slash;
  while (start > 0 && slash - start < longestHost && isHostUnit(lower.charCodeAt(start - 1))) start--;
  const host = lower.slice(start, slash);
  return sites.has(host) ? host : host.replace(/^(?:www|mobile|m|[a-z]{2})\./, '');
}

function isHostUnit(unit: number): boolean {
  return isSmall(unit) || isDigit(unit) || unit === 0x2e || unit === 0x2d;
}

function endOfHandle(text: string, start: number): number {
  let end = start;
  while (end < text.length && end - start < longestHandle && handleUnits.test(text[end] ?? '')) end++;
  // What ends a sentence ends no name.
  while (end > start && /[.~%+-]/.test(text[end - 1] ?? '')) end--;
  return end;
}

function inHosts({ lower }: Scanned): Found[] {
  const found: Found[] = [];
  for (const home of homes)
    for (let end = lower.indexOf(home); end >= 0; end = lower.indexOf(home, end + 1)) {
      let start = end;
      while (start > 0 && end - start < longestHost && isHostUnit(lower.charCodeAt(start - 1)) && lower[start - 1] !== '.')
        start--;
      if (start < end && lower.slice(start, end) !== 'www') found.push({ kind: 'handle', start, end });
    }
  return found;
}

function labelled({ text, lower }: Scanned): Found[] {
  const found: Found[] = [];
  for (let at = lower.indexOf('@'); at >= 0; at = lower.indexOf('@', at + 1)) {
    if (!label.test(lower.slice(Math.max(0, at - labelReach), at))) continue;
    const end = endOfHandle(text, at + 1);
    if (end - at > 2) found.push({ kind: 'handle', start: at + 1, end });
  }
  return found;
}
