// What the test scripts count, and how they hand it on: one JSON line a check, appended to the file that
// LINUX_PTRACE_RESULTS names, so that .ci/run can sum what really ran.
import { appendFileSync, existsSync, readFileSync } from 'node:fs';
import { env } from 'node:process';

/** Records one check. */
export function record(name, passed, failed, skipped = 0) {
  if (env.LINUX_PTRACE_RESULTS) {
    appendFileSync(env.LINUX_PTRACE_RESULTS, `${JSON.stringify({ name, passed, failed, skipped })}\n`);
  }
}

/**
 * Counts a report of vitest's JSON reporter. A file that could not be loaded has no tests but failed; a run that ended badly
 * without a failed test (processes left behind, an unhandled error), that wrote no report, or that ran no test, counts as
 * one failure.
 */
export function countVitest(file, exitCode) {
  if (!existsSync(file)) return { passed: 0, failed: 1, skipped: 0, note: 'vitest wrote no report' };
  const report = JSON.parse(readFileSync(file, 'utf8'));
  const unloaded = report.testResults.filter(
    (suite) => suite.status === 'failed' && suite.assertionResults.length === 0,
  );
  const passed = report.numPassedTests;
  const skipped = report.numPendingTests + report.numTodoTests;
  let failed = report.numFailedTests + unloaded.length;
  let note = unloaded.map((suite) => `could not load ${suite.name}`).join(', ');
  if (failed === 0 && exitCode !== 0) {
    failed = 1;
    note = `every test passed, but the run ended with code ${exitCode}`;
  } else if (passed + failed === 0) {
    failed = 1;
    note = 'no test was executed';
  }
  return { passed, failed, skipped, note };
}
