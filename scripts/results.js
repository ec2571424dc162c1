// What the test scripts count, and how they hand it on: one JSON line a check, appended to the file that
// LINUX_PTRACE_RESULTS names, so that .ci/run can sum what really ran.
import { appendFileSync, existsSync, readFileSync } from 'node:fs';
import { env } from 'node:process';

/** Records one check; `failures`, where it has them, says of each failed test its name and what it said first. */
export function record(name, passed, failed, skipped = 0, failures = []) {
  if (env.LINUX_PTRACE_RESULTS) {
    appendFileSync(env.LINUX_PTRACE_RESULTS, `${JSON.stringify({ name, passed, failed, skipped, failures })}\n`);
  }
}

/** All that vitest's JSON says of a test that took longer than it may. */
const TIMED_OUT = /\bSTACK_TRACE_ERROR\b/g;

/** The start of what a failed test said, without its stack. */
function firstLines(messages) {
  const lines = messages.join('\n').replaceAll(TIMED_OUT, 'it took longer than it may').split('\n');
  const stack = lines.findIndex((line) => /^\s+at /.test(line));
  return lines.slice(0, Math.min(6, stack < 0 ? lines.length : Math.max(stack + 1, 1)));
}

function failuresIn(report) {
  return report.testResults.flatMap(({ name, message, assertionResults }) => {
    const tests = assertionResults.filter(({ status }) => status === 'failed');
    if (tests.length === 0) return message ? [[name, ...firstLines([message])].join('\n  ')] : [];
    return tests.map(({ fullName, failureMessages }) =>
      [`${name}: ${fullName}`, ...firstLines(failureMessages ?? [])].join('\n  '),
    );
  });
}

/**
 * Counts a report of vitest's JSON reporter. A file that failed outside its tests (it could not be loaded, it left processes
 * behind) counts as one failure, and so does a run that ended badly without a failed test, wrote no report, or ran no test.
 */
export function countVitest(file, exitCode) {
  if (!existsSync(file)) return { passed: 0, failed: 1, skipped: 0, note: 'vitest wrote no report', failures: [] };
  const report = JSON.parse(readFileSync(file, 'utf8'));
  const broken = report.testResults.filter(
    ({ status, assertionResults }) => status === 'failed' && assertionResults.every((test) => test.status !== 'failed'),
  );
  const passed = report.numPassedTests;
  const skipped = report.numPendingTests + report.numTodoTests;
  let failed = report.numFailedTests + broken.length;
  let note = broken.map(({ name }) => `outside its tests: ${name}`).join(', ');
  if (failed === 0 && exitCode !== 0) {
    failed = 1;
    note = `every test passed, but the run ended with code ${exitCode}`;
  } else if (passed + failed === 0) {
    failed = 1;
    note = 'no test was executed';
  }
  return { passed, failed, skipped, note, failures: failuresIn(report) };
}
