import { setTimeout as pause } from 'node:timers/promises'
import { z } from 'zod'
import type { BarePage } from '../../lib/bare-chromium.ts'

const times = 20
const everyMs = 200

const heard = z.array(z.number())
const place = z.object({ x: z.number(), y: z.number() })

export type InputFigures = {
  sent: number
  /** those that reached the page */
  heard: number
  /** ms from a key or click to its handler, by the clock */
  middleDelay: number
  longestDelay: number
}

/** Presses Tab and clicks on the log's Pause in turns, as a person's keyboard and mouse would. */
export async function measureInput(page: BarePage, signal: AbortSignal): Promise<InputFigures> {
  await page.evaluate(`
    window.heard = []
    for (const type of ['keydown', 'click'])
      addEventListener(type, event => window.heard.push(performance.now() - event.timeStamp), true)`)
  const at = place.parse(
    await page.evaluate(`(() => {
      const button = [...document.querySelectorAll('button')].find(({ textContent }) => textContent === 'Pause')
      button.scrollIntoView({ block: 'center' })
      const { x, y, width, height } = button.getBoundingClientRect()
      return { x: x + width / 2, y: y + height / 2 }
    })()`),
  )
  for (let time = 0; time < times; time++) {
    await (time % 2 === 0 ? pressTab(page) : click(page, at))
    await pause(everyMs, undefined, { signal })
  }
  const delays = heard.parse(await page.evaluate('window.heard')).sort((a, b) => a - b)
  return {
    sent: times,
    heard: delays.length,
    middleDelay: delays[Math.floor(delays.length / 2)] ?? Number.NaN,
    longestDelay: delays.at(-1) ?? Number.NaN,
  }
}

async function pressTab(page: BarePage): Promise<void> {
  const key = { key: 'Tab', code: 'Tab', windowsVirtualKeyCode: 9 }
  for (const type of ['keyDown', 'keyUp']) await page.send('Input.dispatchKeyEvent', { type, ...key })
}

async function click(page: BarePage, at: { x: number; y: number }): Promise<void> {
  const button = { button: 'left', clickCount: 1 }
  for (const type of ['mousePressed', 'mouseReleased'])
    await page.send('Input.dispatchMouseEvent', { type, ...at, ...button })
}
