// `npm run audit`: checks the numbers of the running board. Exit status 1 if they do not agree.
import { z } from 'zod'
import { howToChooseProject, readAuditInContainer } from '../../deploy/compose/docker.ts'
import { reasonOf, UserError } from '../../web/server/errors.ts'
import { saySentences } from '../lib/terminal.ts'
import { onRunningStack } from './command.ts'

/** The answer of /api/audit. */
const auditAnswer = z.object({
  counter: z.number(),
  max_id: z.number(),
  rows: z.number(),
  purged: z.number(),
  sum_hits: z.number(),
  consistent: z.boolean(),
})

/** The numbers as an equation, with ≠ before each that differs from the counter, and the verdict. */
export function auditText(audit: z.output<typeof auditAnswer>): string {
  const { counter, max_id, rows, purged, sum_hits, consistent } = audit
  const besides = (value: number) => (value === counter ? '=' : '≠')
  // An empty log has no highest id.
  const newest = rows === 0 ? '' : `${besides(max_id)} highest id ${max_id} `
  const log = `${besides(rows + purged)} rows ${rows} + purged ${purged}`
  const hits = `${besides(sum_hits)} hits of all servers ${sum_hits}`
  const verdict = consistent ? 'consistent: nothing lost, nothing counted twice' : 'NOT consistent'
  return `counter ${counter} ${newest}${log} ${hits}\n${verdict}`
}

async function readAudit(url: string): Promise<unknown> {
  try {
    const response = await fetch(url, { signal: AbortSignal.timeout(60_000) })
    const body: unknown = await response.json()
    if (!response.ok) throw new Error(`status ${response.status}, ${JSON.stringify(body)}`)
    return body
  } catch (error) {
    throw new UserError(`no usable answer from ${url}: ${reasonOf(error)}`)
  }
}

/**
 * Audits the running stack, prints the numbers, and sets exit status 1 if they do not agree.
 * @throws UserError if no stack runs, or it gives no usable answer
 */
export async function printAudit(): Promise<void> {
  const answer = await onRunningStack({
    local: ({ url }) => readAudit(`${url}/api/audit`),
    withDocker: readAuditInContainer,
  })
  const audit = auditAnswer.parse(answer)
  console.log(auditText(audit))
  if (!audit.consistent) process.exitCode = 1
}

if (import.meta.main) {
  await saySentences(async () => {
    const words = process.argv.slice(2).join(' ')
    if (words)
      throw new UserError(
        `unknown option: ${words}; the command takes no options. ${howToChooseProject} audit`,
      )
    await printAudit()
  })
}
