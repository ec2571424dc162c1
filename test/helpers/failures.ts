/** A reporter that prints each failure as it comes: a machine that dies before the end of the run would take them along. */
import type { Reporter, TestCase } from 'vitest/node';

export default class Failures implements Reporter {
  onTestCaseResult(test: TestCase): void {
    for (const error of test.result().errors ?? []) {
      console.log(
        `\n${test.module.relativeModuleId}: ${test.fullName}\n${error.stack ?? error.message}\n${error.diff ?? ''}`,
      );
    }
  }
}
