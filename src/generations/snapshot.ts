import type { Connection } from '../db/client.ts';
import { uuidOf } from '../db/ids.ts';
import { idOfUuid } from '../kernel/id.ts';
import type { GenerationStatus } from './generations.table.ts';
import { assemble, type AttemptState, type Chunk, type Story } from './story.ts';

interface StoryRow {
  id: string;
  status: GenerationStatus;
  text: string | null;
  attempts: AttemptState[] | null;
  chunks: Chunk[] | null;
}

/**
 * Reads generations at one moment, in one statement: status, attempts, and the final text or the chunks. Ids that are unknown (or not
 * visible to this connection) are missing in the answer.
 */
export async function readStories(
  connection: Connection,
  asked: readonly { readonly tenantId: string; readonly id: string }[],
): Promise<Map<string, Story>> {
  if (asked.length === 0) return new Map();
  const rows = await connection.sql<StoryRow>(
    (sql) => sql`
      select g.id, g.status, g.text,
        (select jsonb_agg(jsonb_build_object('number', a.number, 'base', a.base, 'model', a.model, 'reason', a.reason,
                 'endedBy', a.ended_by, 'endOffset', a.end_offset) order by a.number)
         from attempts a where a.tenant_id = g.tenant_id and a.generation_id = g.id) as attempts,
        case when g.finished_at is null then
          (select jsonb_agg(jsonb_build_object('attempt', c.attempt, 'start', c.start, 'body', c.body) order by c.attempt, c.start)
           from chunks c where c.tenant_id = g.tenant_id and c.generation_id = g.id) end as chunks
      from unnest(${asked.map(({ tenantId }) => uuidOf(tenantId))}::uuid[], ${asked.map(({ id }) => uuidOf(id))}::uuid[]) as r (tenant_id, id)
      join generations g on g.tenant_id = r.tenant_id and g.id = r.id`,
    { idempotent: true },
  );
  return new Map(rows.map((row) => [idOfUuid('gen', row.id), storyOf(row)]));
}

function storyOf(row: StoryRow): Story {
  const attempts = row.attempts ?? [];
  const text = row.text ?? assemble(attempts, row.chunks ?? []);
  return { status: row.status, attempts, text, end: text.length };
}
