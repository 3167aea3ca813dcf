import { AppError } from '../kernel/errors.ts';

const list = 'auditLogAdded';

/** The position behind which a reader of the log goes on; opaque, and of one tenant. */
export function encodePosition(tenantId: string, position: number): string {
  return Buffer.from(JSON.stringify([list, tenantId, position])).toString('base64url');
}

/** The position in a cursor; INVALID_CURSOR when it is none of this tenant's. */
export function decodePosition(tenantId: string, cursor: string): number {
  const position = positionIn(cursor);
  // Only as we write it: base64url has several spellings of the same bytes.
  if (position === null || encodePosition(tenantId, position) !== cursor) {
    throw new AppError('INVALID_CURSOR', 'after is no cursor of this log', { path: ['after'] });
  }
  return position;
}

function positionIn(cursor: string): number | null {
  try {
    const parts: unknown = JSON.parse(Buffer.from(cursor, 'base64url').toString());
    const position: unknown = Array.isArray(parts) ? parts[2] : null;
    return Number.isSafeInteger(position) && Number(position) >= 0 ? Number(position) : null;
  } catch {
    // Not JSON: no cursor of ours.
    return null;
  }
}
