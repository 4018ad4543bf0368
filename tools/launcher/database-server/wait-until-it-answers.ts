import { setTimeout as sleep } from 'node:timers/promises'
import mysql from 'mysql2/promise'

/**
 * Asks until the database answers, and says whether it did; `giveUp` is asked before each further try.
 * A server that runs its set-up does not answer on TCP yet, so an answer means: ready.
 */
export async function waitUntilItAnswers(url: string, giveUp: () => Promise<boolean>): Promise<boolean> {
  while (!(await answers(url))) {
    if (await giveUp()) return false
    await sleep(50)
  }
  return true
}

async function answers(url: string): Promise<boolean> {
  try {
    const connection = await mysql.createConnection({ uri: url, connectTimeout: 1000 })
    await connection.end()
    return true
  } catch {
    return false // not yet
  }
}
