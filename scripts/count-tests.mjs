// Reads Vitest's JSON report and prints the line that ends ./test: `N passed, N failed`, and `, N skipped` where some
// were. Arguments: the report, Vitest's exit code, and how many checks failed before. Exits 0 only if all is well.

import { readFileSync } from 'node:fs';

const [path, exitCode, failedBefore] = process.argv.slice(2);
const report = read(path);
const tests = report.testResults.flatMap((file) => file.assertionResults);
const count = (...statuses) => tests.filter((test) => statuses.includes(test.status)).length;

const passed = count('passed');
const skipped = count('pending', 'skipped', 'todo', 'disabled');
// A file that fails outside its tests (it does not load, a hook throws) is one failure, though none of its tests is.
const failedFiles = report.testResults.filter(
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

function read(file) {
  try {
    return JSON.parse(readFileSync(file, 'utf8'));
  } catch {
    return { testResults: [] };
  }
}
