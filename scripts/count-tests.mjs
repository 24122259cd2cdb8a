// Reads Vitest's JSON reports and prints the line that ends ./test: `N passed, N failed`, and `, N skipped` where some
// were. Arguments: Vitest's exit code (of several, one that is not 0), how many checks failed before, and the reports.
// Exits 0 only if all is well.

import { readFileSync } from 'node:fs';

const [exitCode, failedBefore, ...reports] = process.argv.slice(2);
const files = reports.flatMap(testFilesOf);
const tests = files.flatMap((file) => file.assertionResults);
const count = (...statuses) => tests.filter((test) => statuses.includes(test.status)).length;

const passed = count('passed');
const skipped = count('pending', 'skipped', 'todo', 'disabled');
// A file that fails outside its tests (it does not load, a hook throws) is one failure, though none of its tests is.
const failedFiles = files.filter(
  (file) =>
    file.status === 'failed' && !file.assertionResults.some((test) => test.status === 'failed'),
);
let failed = Number(failedBefore) + count('failed') + failedFiles.length;
// Vitest is unhappy for a reason of its own: an error outside any test, or it came to no end.
if (failed === 0 && Number(exitCode) !== 0) failed = 1;
if (failed === 0 && passed === 0) {
  console.log('no test ran');
  failed = 1;
}

console.log(`${passed} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ''}`);
process.exit(failed === 0 ? 0 : 1);

/** A run that came to no end says so by its exit code. */
function testFilesOf(report) {
  try {
    return JSON.parse(readFileSync(report, 'utf8')).testResults;
  } catch {
    return [];
  }
}
