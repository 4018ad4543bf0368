import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { test } from 'node:test'
import { promisify } from 'node:util'

const terminal = JSON.stringify(import.meta.resolve('./terminal.ts'))
const errors = JSON.stringify(import.meta.resolve('../../web/server/errors.ts'))

/** Runs a script, in its own process. @returns its exit status, and what it wrote to both outputs */
async function run(script: string) {
  const begin = `
    const { abortOnSignals, saySentences } = await import(${terminal})
    const { DatabaseUnavailable, UserError } = await import(${errors})
    const raise = name => process.kill(process.pid, name)
    const tick = () => new Promise(resolve => setTimeout(resolve))\n`
  const options = ['--input-type=module', '-e', begin + script]
  const ended = promisify(execFile)(process.execPath, options)
  const { stdout, stderr } = await ended.catch((error: { stdout: string; stderr: string }) => error)
  return { status: ended.child.exitCode, stdout, stderr }
}

test('an error for a person, of whatever class, is its message alone; any other keeps its stack', async () => {
  const says = async (error: string) => {
    const { status, stderr } = await run(`await saySentences(async () => { throw ${error} })`)
    assert.equal(status, 1)
    return stderr
  }
  assert.equal(await says(`new UserError('the disk is full')`), 'Balance Board: the disk is full\n')
  assert.equal(await says(`new DatabaseUnavailable('away')`), 'Balance Board: the database: away\n')
  assert.match(await says(`new TypeError('x is no function')`), /^TypeError: x is no function\n {4}at /)
})

test('the first signal is said and aborts, later ones change nothing, and those of the debugger are ignored', async () => {
  const { status, stdout } = await run(`
    const signal = abortOnSignals()
    for (const name of ['SIGUSR1', 'SIGUSR2']) raise(name)
    await tick()
    console.log(signal.aborted)
    for (const name of ['SIGTERM', 'SIGINT', 'SIGHUP', 'SIGQUIT']) {
      raise(name)
      while (!signal.aborted) await tick()
    }
    await tick()
    console.log(signal.reason.message)`)
  assert.equal(status, 0)
  assert.equal(stdout, 'false\nstop      stopping in order …\nended early, by SIGTERM\n')
})

test('a command that passes signals on gets each of them, and nothing is printed', async () => {
  const { stdout } = await run(`
    const heard = []
    abortOnSignals(name => heard.push(name))
    for (const name of ['SIGINT', 'SIGQUIT', 'SIGINT']) {
      const before = heard.length
      raise(name)
      while (heard.length === before) await tick()
    }
    console.log(heard.join())`)
  assert.equal(stdout, 'SIGINT,SIGQUIT,SIGINT\n')
})
