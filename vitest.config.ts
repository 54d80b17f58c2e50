import { defineConfig } from 'vitest/config'

export default defineConfig({
  test: {
    projects: [
      {
        test: {
          name: 'unit',
          globalSetup: './test/global-setup.ts',
          setupFiles: './test/setup.ts',
          include: ['{contracts,protocol,node,sdk,indexer,cli,examples,scripts,bench,test/sim}/**/*.test.ts'],
          exclude: ['**/dist/**', '**/node_modules/**'],
          testTimeout: 20_000,
          // One for each core, the runner's own too: many of these wait more than they compute.
          maxWorkers: '100%',
          sequence: { groupOrder: 0 },
        },
      },
      {
        test: {
          name: 'e2e',
          globalSetup: './test/global-setup.ts',
          setupFiles: './test/setup.ts',
          include: ['test/**/*.test.ts'],
          exclude: ['**/dist/**', '**/node_modules/**', 'test/sim/**'],
          testTimeout: 120_000,
          hookTimeout: 120_000,
          // Each file starts real chains, servers and browsers, of which two cores carry two at a time.
          maxWorkers: 2,
          sequence: { groupOrder: 1 },
        },
      },
    ],
  },
})
