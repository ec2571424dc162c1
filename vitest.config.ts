import { defineConfig } from 'vitest/config';
import { limit } from './test/helpers/scale.js';

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    // ptrace belongs to threads and processes: every test file gets a process of its own, with a real main thread.
    pool: 'forks',
    maxWorkers: 2,
    testTimeout: limit(20_000),
    hookTimeout: limit(20_000),
    teardownTimeout: limit(20_000),
    reporters: ['default', './test/helpers/skips.ts'],
    setupFiles: ['test/helpers/file-setup.ts'],
    globalSetup: ['test/helpers/global-setup.ts'],
  },
});
