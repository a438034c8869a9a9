import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['e2e/**/*.test.ts'],
    globalSetup: ['e2e/setup.ts'],
    // One meeting at a time: they share a machine.
    fileParallelism: false,
    testTimeout: 40_000,
    hookTimeout: 20_000,
  },
});
