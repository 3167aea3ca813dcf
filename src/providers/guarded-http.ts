import { LRUCache } from 'lru-cache';
import type { OutboundDial } from '../kernel/outbound-dial.ts';
import type { Window } from '../kernel/window.ts';
import { LeanHttp } from './http.ts';

/** HTTP to addresses that somebody else named, such as a tenant. Each party has connections of its own, and shares none with the installation. */
export function guardedHttp(window: Window, dialOf: (party: string) => OutboundDial): (party: string) => LeanHttp {
  // Connections of a party that is forgotten here close by themselves.
  const ways = new LRUCache<string, LeanHttp>({ max: 1_000 });
  return (party) => {
    const known = ways.get(party);
    if (known) return known;
    const way = new LeanHttp(window, dialOf(party));
    ways.set(party, way);
    return way;
  };
}
