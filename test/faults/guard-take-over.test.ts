import { randomUUID } from 'node:crypto';
import postgres from 'postgres';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { idOfUuid } from '../../src/kernel/id.ts';
import { eventually } from '../harness/eventually.ts';
import { sampleVariables } from '../harness/letters.ts';
import { MockProvider, type Script } from '../harness/mock-provider.ts';
import { startFleet, type Fleet, type RunningProcess } from '../harness/process.ts';
import { gated, mockEnv } from '../harness/tales.ts';

vi.setConfig({ testTimeout: 60_000, hookTimeout: 60_000 });

const start = `mutation ($input: GenerationStartInput!) { generationStart(input: $input) { generation { id } errors { message } } }`;
const whole = `query ($id: ID!) { generation(id: $id) {
  status text failure { code message } attempts { reason endedBy failureCode }
} }`;

interface Whole {
  readonly status: string;
}

describe('a process that dies while it writes a text once more', () => {
  let mock: MockProvider;
  let fleet: Fleet;
  let template: string;

  beforeEach(async () => {
    mock = await MockProvider.open();
    const env = { ...mockEnv(mock), GENERATION_LEASE_MS: '1000' };
    fleet = await startFleet(env, env);
    const uuid = randomUUID().replace(/^(.{14})./, '$17');
    template = idOfUuid('tpv', uuid);
    // A version with checks that the library does not have.
    const sql = postgres(fleet.database.url, { max: 1 });
    await sql`
      insert into template_versions (id, template_id, number, content_hash, variables_schema, sample, max_output_tokens, failover_policy, guards,
        draft_source, prompt_source)
      select ${uuid}::uuid, template_id, number + 1, ${uuid}, variables_schema, sample, max_output_tokens, failover_policy,
        '{"masking": false, "checks": {"forbiddenPhrases": ["team player"]}}'::jsonb, draft_source, prompt_source
      from template_versions v where v.id = (select current_version_id from templates where slug = 'cover-letter-classic')`;
    await sql.end();
  });
  afterEach(async () => {
    await fleet[Symbol.asyncDispose]();
    await mock.close();
  });

  /** Kills the writer during the second writing; the other process gets `third`. */
  async function killed(third: Script): Promise<Whole> {
    const [writer, other] = fleet.processes as [RunningProcess, RunningProcess];
    const repair = gated(['I am'], []);
    mock.script({ pieces: ['I am a team player.'] }, { pieces: repair.pieces }, third);
    const variables = await sampleVariables(writer);
    const { generationStart } = await writer.ask<{ generationStart: { generation: { id: string } | null; errors: unknown[] } }>(
      start,
      {
        input: { template, variables },
      },
    );
    expect(generationStart.errors).toEqual([]);
    const find = async () => (await other.ask<{ generation: Whole }>(whole, { id: generationStart.generation?.id })).generation;
    await eventually(() => mock.calls.length === 2, 10_000, 'the second writing');
    writer.signal('SIGKILL');
    await writer.exited;
    const ended = await eventually(async () => {
      const found = await find();
      return found.status !== 'RUNNING' && found;
    }, 20_000);
    repair.open();
    return ended;
  }

  it('leaves it to another, who is told what was wrong too', async () => {
    expect(await killed({ pieces: ['I am glad.'] })).toEqual({
      status: 'SUCCEEDED',
      text: 'I am glad.',
      failure: null,
      attempts: [
        { reason: null, endedBy: 'FAILED', failureCode: 'GUARD_FAILED' },
        { reason: 'GUARD', endedBy: 'TAKEN_OVER', failureCode: null },
        { reason: 'TAKE_OVER', endedBy: 'FINISHED', failureCode: null },
      ],
    });
    expect(mock.calls).toHaveLength(3);
    expect(JSON.stringify(mock.calls[2]?.body)).toContain('do not write \\"team player\\"');
  });

  it('does not make it be written a third time', async () => {
    expect(await killed({ pieces: ['I am a team player.'] })).toMatchObject({
      status: 'FAILED',
      failure: { code: 'GUARD_FAILED', message: 'do not write "team player"' },
      attempts: [
        { failureCode: 'GUARD_FAILED' },
        { endedBy: 'TAKEN_OVER' },
        { reason: 'TAKE_OVER', failureCode: 'GUARD_FAILED' },
      ],
    });
    expect(mock.calls).toHaveLength(3);
  });
});
