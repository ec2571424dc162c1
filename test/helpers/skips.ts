/** A reporter that prints what was skipped, and why: a skip that nobody sees is taken for a pass. */
import type { Reporter, TestModule } from 'vitest/node';

export default class Skips implements Reporter {
  onTestRunEnd(modules: readonly TestModule[]): void {
    const lines: string[] = [];
    for (const module of modules) {
      for (const test of module.children.allTests('skipped')) {
        const result = test.result();
        const reason = result.state === 'skipped' ? result.note : undefined;
        lines.push(`  ${module.relativeModuleId}: ${test.fullName}${reason === undefined ? '' : `: ${reason}`}`);
      }
    }
    if (lines.length > 0) console.log(`\nskipped:\n${lines.join('\n')}`);
  }
}
