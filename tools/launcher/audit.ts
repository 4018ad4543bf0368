// `npm run audit`: whether the running board's figures agree. The exit status is 1 where they do not.
import { z } from 'zod'
import { howToChooseProject } from '../../deploy/compose/docker.ts'
import { readAuditInContainer } from '../../deploy/compose/replica-containers.ts'
import { UserError } from '../../web/server/errors.ts'
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

/** The figures as an equation, with ≠ where one differs from the counter, and what it comes to. */
export function auditText(audit: z.output<typeof auditAnswer>): string {
  const { counter, max_id, rows, purged, sum_hits, consistent } = audit
  const besides = (value: number) => (value === counter ? '=' : '≠')
  // An empty log has no highest id; its rows were purged, or never were.
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
    const why = error instanceof Error ? error.message : String(error)
    throw new UserError(`${url} does not answer as it should: ${why}`)
  }
}

if (import.meta.main) {
  await saySentences(async () => {
    const words = process.argv.slice(2).join(' ')
    if (words)
      throw new UserError(`${words} is not understood: it takes no options. ${howToChooseProject} audit`)
    const answer = await onRunningStack({
      local: ({ url }) => readAudit(`${url}/api/audit`),
      withDocker: readAuditInContainer,
    })
    const audit = auditAnswer.parse(answer)
    console.log(auditText(audit))
    if (!audit.consistent) process.exitCode = 1
  })
}
