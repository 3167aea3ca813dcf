// A reporter for vitest: when a run is over, it writes to the file FAILED_FILES which test files failed, one a line, where that is all that went wrong
// and they are so few that it may be an accident. Else it writes nothing: a worker that died takes files with it that no report has, and an
// error outside of all tests belongs to none.
import { writeFileSync } from 'node:fs';
import { relative } from 'node:path';

const mostAccidents = 3;

export default class FailedFiles {
  begun = 0;

  onTestRunStart(specifications) {
    this.begun = specifications.length;
  }

  onTestRunEnd(modules, unhandledErrors) {
    const isWhole = modules.filter((each) => ['passed', 'failed', 'skipped'].includes(each.state())).length === this.begun;
    const failed = modules.filter((each) => each.state() === 'failed').map(({ moduleId }) => `${relative('.', moduleId)}\n`);
    if (!isWhole || unhandledErrors.length > 0 || failed.length > mostAccidents) return;
    writeFileSync(process.env.FAILED_FILES, failed.join(''));
  }
}
