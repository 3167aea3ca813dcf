// node count.mjs <failed steps> <folder of vitest's JSON reports>: prints `N passed, N failed, N skipped` and fails when anything failed.
// Plain JavaScript: it has to speak even where the install went wrong, on any Node.
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

const [failedSteps, folder] = process.argv.slice(2);
const count = { passed: 0, failed: 0, skipped: 0 };
for (const name of readdirSync(folder)) {
  const report = JSON.parse(readFileSync(join(folder, name), 'utf8'));
  count.passed += report.numPassedTests;
  count.failed += report.numFailedTests;
  count.skipped += report.numPendingTests + report.numTodoTests;
  // A file that could not be loaded has no tests to count.
  count.failed += report.testResults.filter((file) => file.status === 'failed' && file.assertionResults.length === 0).length;
}
// A step that failed without a failed test (a lint finding, an install) shows too.
if (count.failed === 0) count.failed = Number(failedSteps);
console.log(`${count.passed} passed, ${count.failed} failed, ${count.skipped} skipped`);
process.exitCode = count.failed > 0 ? 1 : 0;
