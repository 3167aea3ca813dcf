import { createHash } from 'node:crypto';
import { LRUCache } from 'lru-cache';
import { AppError } from '../kernel/errors.ts';
import type { Log } from '../kernel/log.ts';
import type { TrustedDocuments } from '../kernel/manifest.ts';
import { isObject } from '../kernel/object.ts';

/** The text of a document as its sender gave it: itself, or a persisted query's hash, or both. */
interface Sent {
  readonly query?: unknown;
  readonly extensions?: unknown;
}

/** Tenants whose persisted queries are kept, and how many characters of them each. */
const mostTenants = 200;
const mostCharacters = 500_000;
const nobody: TrustedDocuments = { mode: 'off', byId: new Map() };

/** The document that a request means. */
interface Found {
  readonly query: string;
  /** Remembers it by its hash, once it is known to be valid; null where there is nothing to remember. */
  readonly keep: (() => void) | null;
}

type Store = LRUCache<string, string>;

/** Finds the document that a request means, and says whether it may run. Every operation of every transport passes here. */
export class Documents {
  /**
   * Persisted queries by tenant, then by hash; each was checked against its hash. Each tenant has room of its own, so that nobody pushes
   * out what others persisted, or finds out about it.
   */
  private readonly stores = new LRUCache<string, Store>({ max: mostTenants });
  private readonly audited = new LRUCache<string, true>({ max: 1_000 });
  private readonly trustedHashes: ReadonlySet<string>;

  constructor(
    private readonly log: Log,
    private readonly trusted: TrustedDocuments = nobody,
  ) {
    this.trustedHashes = new Set([...trusted.byId.values()].map(hashOf));
  }

  /** Throws BAD_REQUEST, PERSISTED_QUERY_NOT_FOUND (the client sends the document, then) or DOCUMENT_NOT_TRUSTED. */
  find({ query, extensions }: Sent, tenantId: string): Found {
    if (query !== undefined && query !== null && typeof query !== 'string') throw noQuery();
    const text = query ?? '';
    const id = persistedIdOf(extensions);
    if (id === null) {
      if (text === '') throw noQuery();
      this.judge(text);
      return { query: text, keep: null };
    }
    const listed = this.trusted.byId.get(id);
    if (listed !== undefined && (text === '' || text === listed)) return { query: listed, keep: null };
    if (text === '') return { query: this.known(tenantId, id), keep: null };
    if (hashOf(text) !== id) throw new AppError('BAD_REQUEST', 'provided sha does not match query');
    this.judge(text);
    return { query: text, keep: () => void this.storeOf(tenantId).set(id, text) };
  }

  private storeOf(tenantId: string): Store {
    const known = this.stores.get(tenantId);
    if (known) return known;
    const store: Store = new LRUCache({ max: 1_000, maxSize: mostCharacters, sizeCalculation: (query) => query.length + 1 });
    this.stores.set(tenantId, store);
    return store;
  }

  private known(tenantId: string, id: string): string {
    if (this.trusted.mode === 'enforce') throw untrusted();
    const query = this.stores.get(tenantId)?.get(id);
    // The words and the code that clients of Apollo's protocol wait for.
    if (query === undefined) throw new AppError('PERSISTED_QUERY_NOT_FOUND', 'PersistedQueryNotFound');
    this.judge(query);
    return query;
  }

  private judge(query: string): void {
    if (this.trusted.mode === 'off') return;
    const hash = hashOf(query);
    if (this.trustedHashes.has(hash)) return;
    if (this.trusted.mode === 'enforce') throw untrusted();
    if (this.audited.has(hash)) return;
    this.audited.set(hash, true);
    // The hash alone: what people write into documents is theirs.
    this.log.warn({ hash }, 'a document that is not trusted');
  }
}

/** Whether a request names its document by a hash. */
export function hasPersistedQuery(extensions: unknown): boolean {
  return isObject(extensions) && extensions['persistedQuery'] !== undefined && extensions['persistedQuery'] !== null;
}

function persistedIdOf(extensions: unknown): string | null {
  if (!isObject(extensions) || !hasPersistedQuery(extensions)) return null;
  const asked = extensions['persistedQuery'];
  if (!isObject(asked) || asked['version'] !== 1) throw new AppError('BAD_REQUEST', 'Unsupported persisted query version');
  const { sha256Hash: id } = asked;
  if (typeof id !== 'string' || id === '' || id.length > 128) throw new AppError('BAD_REQUEST', 'sha256Hash must be a hash');
  return id;
}

function noQuery(): AppError {
  return new AppError('BAD_REQUEST', 'query must be a string that is not empty');
}

function untrusted(): AppError {
  return new AppError('DOCUMENT_NOT_TRUSTED', 'only listed documents run here');
}

function hashOf(query: string): string {
  return createHash('sha256').update(query).digest('hex');
}
