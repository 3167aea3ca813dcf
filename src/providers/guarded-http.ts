import { LRUCache } from 'lru-cache';
import type { OutboundDial } from '../kernel/outbound-dial.ts';
import type { Window } from '../kernel/window.ts';
import { LeanHttp } from './http.ts';

/** The ways to addresses that parties named, such as tenants: each has its own connections, and none is the installation's. */
export function guardedHttp(window: Window, dialOf: (party: string) => OutboundDial): (party: string) => LeanHttp {
  // What rests on one that is forgotten closes by itself.
  const ways = new LRUCache<string, LeanHttp>({ max: 1_000 });
  return (party) => {
    const known = ways.get(party);
    if (known) return known;
    const way = new LeanHttp(window, dialOf(party));
    ways.set(party, way);
    return way;
  };
}
