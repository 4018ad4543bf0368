// `npm run audit`: whether the running board's figures agree. The exit status is 1 where they do not.
import { readAuditInContainer } from '../../deploy/compose/audit.ts'
import { StackFailure } from '../lib/stack-failure.ts'
import { auditAnswer, auditText } from './audit-text.ts'
import { onRunningStack } from './running-stack.ts'
import { saySentences } from './say-sentences.ts'

await saySentences(async () => {
  const answer = await onRunningStack({
    local: ({ url }) => readAudit(`${url}/api/audit`),
    withDocker: readAuditInContainer,
  })
  const audit = auditAnswer.parse(answer)
  console.log(auditText(audit))
  if (!audit.consistent) process.exitCode = 1
})

async function readAudit(url: string): Promise<unknown> {
  try {
    const response = await fetch(url, { signal: AbortSignal.timeout(60_000) })
    const body: unknown = await response.json()
    if (!response.ok) throw new Error(`status ${response.status}, ${JSON.stringify(body)}`)
    return body
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error)
    throw new StackFailure(`${url} does not answer as it should: ${why}`)
  }
}
