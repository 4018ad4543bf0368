import { defineConfig } from '@playwright/test'
import { chromiumLaunch } from '../tools/lib/chromium.ts'

export default defineConfig({
  testDir: '.',
  outputDir: '../test-results',
  // Tests share boards, and some count visitors or stop servers, so they must not run in parallel. Each makes the visits that it
  // needs and undoes what it breaks, so their order does not matter.
  workers: 1,
  fullyParallel: false,
  forbidOnly: Boolean(process.env.CI),
  // Limits for a machine that others use too: with ten busy processes a core, a page took ten seconds to load, and some tests a minute.
  timeout: 120_000,
  expect: { timeout: 30_000 },
  reporter: 'list',
  use: {
    baseURL: process.env.BASE_URL ?? 'http://127.0.0.1:8080',
    launchOptions: chromiumLaunch(),
    trace: 'retain-on-failure',
  },
})
