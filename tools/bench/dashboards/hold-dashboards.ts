import { type ChildProcess, fork } from 'node:child_process'
import { join } from 'node:path'
import { type Order, type Tick, type Word, wordSchema } from './messages.ts'

/** Dashboards that are open, in a process of their own. */
export type HeldDashboards = {
  begin: () => void
  /** what has arrived since `begin`, and how many dashboards were cut off */
  end: () => Promise<{ ticks: Tick[]; lost: number }>
  close: () => Promise<void>
}

/** Resolves when all are open. @throws when one cannot be opened */
export async function holdDashboards(
  url: string,
  count: number,
  signal: AbortSignal,
): Promise<HeldDashboards> {
  const holder = fork(join(import.meta.dirname, 'dashboard-process.ts'), [url, String(count)], { signal })
  const exited = new Promise(resolve => holder.once('exit', resolve))
  holder.on('error', () => {}) // after an abort nobody may be waiting for its word
  const order = (word: Order) => holder.send(word)
  await nextWord(holder)
  return {
    begin: () => order('begin'),
    async end() {
      order('end')
      const word = await nextWord(holder)
      if (!('ticks' in word)) throw new Error('the holder of the dashboards did not say what arrived')
      return word
    },
    async close() {
      if (holder.connected) holder.disconnect()
      await exited
    },
  }
}

function nextWord(holder: ChildProcess): Promise<Word> {
  const { promise, resolve, reject } = Promise.withResolvers<Word>()
  const ended = () => reject(new Error('the holder of the dashboards ended'))
  holder.once('exit', ended).once('error', reject)
  holder.once('message', message => {
    holder.off('exit', ended).off('error', reject)
    resolve(wordSchema.parse(message))
  })
  return promise
}
