// `npm run audit`: whether the running board's figures agree. The exit status is 1 where they do not.
import { auditAnswer, auditText } from './audit-text.ts'
import { dataDirAt } from './data-dir.ts'
import { loadSettings } from './load-settings.ts'
import { saySentences } from './say-sentences.ts'
import { StackFailure } from './stack-failure.ts'
import { readStackFile } from './stack-file.ts'

await saySentences(async () => {
  const { folder, stackFile } = dataDirAt(loadSettings().dataDir)
  const stack = readStackFile(stackFile)
  if (!stack) throw new StackFailure(`no board is running on ${folder}: start it first, with npm start`)
  const audit = await ask(`${stack.url}/api/audit`)
  console.log(auditText(audit))
  if (!audit.consistent) process.exitCode = 1
})

async function ask(url: string) {
  try {
    const response = await fetch(url, { signal: AbortSignal.timeout(60_000) })
    const body: unknown = await response.json()
    if (!response.ok) throw new Error(`status ${response.status}, ${JSON.stringify(body)}`)
    return auditAnswer.parse(body)
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error)
    throw new StackFailure(`${url} does not answer as it should: ${why}`)
  }
}
