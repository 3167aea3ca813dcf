import { BaseSequencer, type TestSpecification } from 'vitest/node';

/**
 * Files that wait (for leases, deadlines, processes) take turns with files that compute, so that neither the cores nor the clock are idle;
 * they come early, as the longest are among them. The order makes no test pass or fail: no file shares anything with another.
 */
export class Interleaved extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    // oxlint-disable-next-line unicorn/no-array-sort -- a sequencer's own, which gives a new array
    const sorted = await super.sort(files);
    // A worker is kept for the next file only while that file is of the same project.
    const alone = sorted.filter(({ project }) => project.config.isolate);
    const shared = sorted.filter(({ project }) => !project.config.isolate);
    const waiting = shared.filter(({ moduleId }) => moduleId.includes('/test/faults/'));
    const computing = shared.filter((each) => !waiting.includes(each));
    const turns = computing.flatMap((each, index) => [...waiting.slice(index, index + 1), each]);
    return [...alone, ...turns, ...waiting.slice(computing.length)];
  }
}
