// node failed-files.mjs <vitest's JSON report>: prints the files that failed; none when they are so many that it is no accident.
import { readFileSync } from 'node:fs';
import { relative } from 'node:path';

const mostAccidents = 3;
const { testResults } = JSON.parse(readFileSync(process.argv[2], 'utf8'));
const failed = testResults.filter(({ status }) => status === 'failed').map(({ name }) => relative('.', name));
if (failed.length <= mostAccidents) for (const name of failed) console.log(name);
