import { defineConfig } from '@playwright/test'
import { chromiumLaunch } from '../tools/lib/chromium.ts'

export default defineConfig({
  testDir: '.',
  outputDir: '../test-results',
  // All tests share one board: tests that count new visitors or kill servers must not run in parallel. Files run in the order of
  // their names: recovery.spec.ts breaks servers and without-features.spec.ts fills the log, so both come after panels.spec.ts.
  workers: 1,
  fullyParallel: false,
  forbidOnly: Boolean(process.env.CI),
  timeout: 60_000,
  expect: { timeout: 10_000 },
  reporter: 'list',
  use: {
    baseURL: process.env.BASE_URL ?? 'http://127.0.0.1:8080',
    launchOptions: chromiumLaunch(),
    trace: 'retain-on-failure',
  },
})
