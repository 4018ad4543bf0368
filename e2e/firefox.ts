import puppeteer, { type Browser } from 'puppeteer-core'
import { findProgram } from '../tools/install/programs.mjs'

/**
 * Starts the machine's own Firefox, which Playwright cannot drive. `preferences` are those of about:config.
 * @throws where there is none
 */
export async function launchFirefox(
  preferences: Record<string, unknown>,
): Promise<Browser & AsyncDisposable> {
  const executablePath = findProgram('firefox-esr') ?? findProgram('firefox')
  if (!executablePath) throw new Error('there is no Firefox on this machine')
  const browser = await puppeteer.launch({
    browser: 'firefox',
    executablePath,
    headless: true,
    extraPrefsFirefox: {
      'network.captive-portal-service.enabled': false,
      // 0: no proxy. It reads HTTP_PROXY and the like otherwise; all that tests open is on this machine.
      'network.proxy.type': 0,
      ...preferences,
    },
  })
  return browser
}
