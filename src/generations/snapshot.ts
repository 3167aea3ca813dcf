import type { Connection } from '../db/client.ts';
import { uuidOf } from '../db/ids.ts';
import { idOfUuid } from '../kernel/id.ts';
import type { GenerationStatus } from './generations.table.ts';
import { assemble, type AttemptState, type Chunk, type Mark, type Story } from './story.ts';

interface StoryRow {
  id: string;
  status: GenerationStatus;
  text: string | null;
  attempts: AttemptState[] | null;
  chunks: Chunk[] | null;
}

/** A story from the store, and where the next reading of it may begin. */
export interface StoredStory extends Story {
  readonly mark: Mark | null;
}

export interface AskedStory {
  readonly tenantId: string;
  readonly id: string;
  /** What an earlier reading gave: only rows from there on are read. */
  readonly known?: StoredStory | null;
}

/**
 * Reads generations at one moment, in one statement: status, attempts, and the final text or the chunks. Ids that are unknown (or not
 * visible to this connection) are missing in the answer.
 */
export async function readStories(connection: Connection, asked: readonly AskedStory[]): Promise<Map<string, StoredStory>> {
  if (asked.length === 0) return new Map();
  const tenants = asked.map(({ tenantId }) => uuidOf(tenantId));
  const ids = asked.map(({ id }) => uuidOf(id));
  const attempts = asked.map(({ known }) => known?.mark?.attempt ?? 0);
  const starts = asked.map(({ known }) => known?.mark?.start ?? 0);
  const rows = await connection.sql<StoryRow>(
    (sql) => sql`
      select g.id, g.status, g.text,
        (select jsonb_agg(jsonb_build_object('number', a.number, 'base', a.base, 'model', a.model, 'reason', a.reason,
                 'endedBy', a.ended_by, 'endOffset', a.end_offset) order by a.number)
         from attempts a where a.tenant_id = g.tenant_id and a.generation_id = g.id) as attempts,
        case when g.finished_at is null then
          (select jsonb_agg(jsonb_build_object('attempt', c.attempt, 'start', c.start, 'body', c.body) order by c.attempt, c.start)
           from chunks c
           where c.tenant_id = g.tenant_id and c.generation_id = g.id and (c.attempt, c.start) >= (r.attempt, r.start)) end as chunks
      from unnest(${tenants}::uuid[], ${ids}::uuid[], ${attempts}::int[], ${starts}::int[]) as r (tenant_id, id, attempt, start)
      join generations g on g.tenant_id = r.tenant_id and g.id = r.id`,
    { idempotent: true },
  );
  const knownById = new Map(asked.map(({ id, known }) => [id, known ?? null]));
  return new Map(
    rows.map((row) => {
      const id = idOfUuid('gen', row.id);
      return [id, storyOf(row, knownById.get(id)?.mark ?? null)];
    }),
  );
}

function storyOf(row: StoryRow, mark: Mark | null): StoredStory {
  const attempts = row.attempts ?? [];
  const chunks = row.chunks ?? [];
  const text = row.text ?? assemble(attempts, chunks, mark);
  return { status: row.status, attempts, text, end: text.length, mark: markOf(text, chunks.at(-1)) ?? mark };
}

function markOf(text: string, last: Chunk | undefined): Mark | null {
  return last ? { attempt: last.attempt, start: last.start, text: text.slice(0, last.start) } : null;
}
