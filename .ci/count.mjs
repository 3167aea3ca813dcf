// node count.mjs <failed steps> <folder of vitest's JSON reports>: prints `N passed, N failed, N skipped` and fails when anything failed.
// Plain JavaScript: it has to speak even where the install went wrong, on any Node.
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join, relative } from 'node:path';

const [failedSteps, folder] = process.argv.slice(2);
const count = { passed: 0, failed: 0, skipped: 0 };

/** The files of a report by name; those that were run once more as they were then. Says which tests, and files beside their tests, passed only then. */
function filesOf(name) {
  const read = (file) => JSON.parse(readFileSync(join(folder, file), 'utf8')).testResults;
  const files = new Map(read(name).map((file) => [file.name, file]));
  const again = name.replace(/json$/, 'again.json');
  if (!existsSync(join(folder, again))) return files.values();
  for (const file of read(again)) {
    const first = files.get(file.name)?.assertionResults ?? [];
    const hasFailed = new Set(first.filter(({ status }) => status === 'failed').map(({ fullName }) => fullName));
    if (hasFailed.size === 0 && file.status === 'passed') console.log(`flaky: ${relative('.', file.name)}`);
    for (const { fullName, status } of file.assertionResults)
      if (status === 'passed' && hasFailed.has(fullName)) console.log(`flaky: ${relative('.', file.name)}: ${fullName}`);
    files.set(file.name, file);
  }
  return files.values();
}

for (const name of readdirSync(folder).filter((each) => each.endsWith('.json') && !each.endsWith('.again.json'))) {
  for (const { status, assertionResults } of filesOf(name)) {
    for (const test of assertionResults) count[test.status === 'passed' || test.status === 'failed' ? test.status : 'skipped']++;
    // A file that could not be loaded has no tests to count, and one whose set-up or tear-down failed no test that failed.
    if (status === 'failed' && assertionResults.every((test) => test.status !== 'failed')) count.failed++;
  }
}
// A step that failed without a failed test (a lint finding, an install) shows too.
if (count.failed === 0) count.failed = Number(failedSteps);
console.log(`${count.passed} passed, ${count.failed} failed, ${count.skipped} skipped`);
process.exitCode = count.failed > 0 ? 1 : 0;
