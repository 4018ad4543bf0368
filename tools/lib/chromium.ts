import { existsSync } from 'node:fs'
import type { LaunchOptions } from '@playwright/test'
import { findProgram } from '../install/programs.mjs'

/** How to start a Chromium: Playwright's own where that is installed, else the machine's. */
export function chromiumLaunch(): LaunchOptions {
  const executablePath = findProgram('chromium') ?? findProgram('google-chrome')
  return {
    ...(executablePath && existsSync(executablePath) ? { executablePath } : {}),
    args: [
      // It asks for its maker's servers otherwise, which tests must not need.
      '--disable-background-networking',
      '--disable-component-update',
      '--disable-sync',
      // It reads HTTP_PROXY and the like otherwise; all that tests open is on this machine.
      '--no-proxy-server',
      ...(process.getuid?.() === 0 ? ['--no-sandbox'] : []),
    ],
  }
}
