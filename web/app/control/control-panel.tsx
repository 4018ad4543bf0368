// What a reader with the token can do to one server, below its row of the servers table (servers/servers-panel.tsx), which loads
// this when it is opened first.

import { useEffect, useId, useRef, useState } from 'react'
import { type ControlCommand, isControlAnswer, type ServerRow } from '../../shared/api.ts'
import { controlTimeoutMs } from '../../shared/limits.ts'
import { AnswerRefused, fetchAnswer } from '../live/answers.ts'
import { Action } from '../ui/frame.tsx'
import ui from '../ui/ui.module.css'
import styles from './control-panel.module.css'
import { drains, whyNot } from './control-rules.ts'
import { forgetToken } from './token.ts'

type Props = {
  server: ServerRow
  servers: ServerRow[]
  /** the time of the snapshot that they are from */
  at: string
  token: string
  /** Closes this; the focus goes back to the button that opened it. */
  onClose(): void
}

/** ms for which a drain can be undone with one press */
const undoMs = 10_000

const noAnswer = 'No answer: the outcome is not known. The table shows it.'

type Asked = 'restart' | 'kill'
type Outcome = { text: string; failed: boolean; undoable: boolean }

export function ControlPanel({ server, servers, at, token, onClose }: Props) {
  const { name } = server
  const [asked, setAsked] = useState<Asked | null>(null)
  const [running, setRunning] = useState(false)
  const [outcome, setOutcome] = useState<Outcome | null>(null)
  const first = useRef<HTMLButtonElement>(null)
  const undo = useRef<HTMLButtonElement>(null)
  useEffect(() => {
    if (!outcome?.undoable) return
    const timer = setTimeout(() => {
      // The button goes; the focus stays in this panel.
      if (document.activeElement === undo.current) first.current?.focus()
      setOutcome({ ...outcome, undoable: false })
    }, undoMs)
    return () => clearTimeout(timer)
  }, [outcome])

  const send = async (command: ControlCommand) => {
    setAsked(null)
    setRunning(true)
    setOutcome(null)
    first.current?.focus()
    setOutcome(await outcomeOf(name, command, token))
    setRunning(false)
  }
  const cancel = () => {
    setAsked(null)
    first.current?.focus()
  }
  const reason = whyNot(server, servers, at)
  const draining = drains(server)
  return (
    // biome-ignore lint/a11y/useSemanticElements: a fieldset has a frame and no place in a table's row
    <div
      role="group"
      aria-label={`Control of ${name}`}
      className={styles.control}
      onKeyDown={event => {
        if (event.key !== 'Escape') return
        event.stopPropagation()
        if (asked) cancel()
        else onClose()
      }}
    >
      <div className={styles.actions}>
        <Action
          ref={first}
          className={ui.smallButton}
          disabled={running || (reason !== null && !draining)}
          onPress={() => send(draining ? 'undrain' : 'drain')}
        >
          {draining ? `End the drain of ${name}` : `Drain ${name}`}
        </Action>
        {(['restart', 'kill'] as const).map(each => (
          <Action
            key={each}
            className={ui.smallButton}
            disabled={running || reason !== null}
            expanded={asked === each}
            onPress={() => setAsked(each)}
          >
            {`${verbs[each]} ${name} …`}
          </Action>
        ))}
        <Action className={ui.smallButton} onPress={onClose}>
          Close
        </Action>
        <Action
          className={ui.smallButton}
          disabled={running}
          onPress={() => forgetToken('Control has ended: this page has no token now.')}
        >
          Leave control
        </Action>
      </div>
      {asked && (
        <Question
          key={asked}
          name={name}
          asked={asked}
          possible={reason === null}
          onConfirm={() => send(asked)}
          onCancel={cancel}
        />
      )}
      <p aria-live="polite" className={outcome?.failed && !asked ? styles.failed : undefined}>
        {running
          ? `Waiting for ${name} to acknowledge …`
          : ((asked ? reason : (outcome?.text ?? reason)) ?? '')}
      </p>
      {outcome?.undoable && !running && (
        <Action ref={undo} className={ui.smallButton} onPress={() => send('undrain')}>
          Undo
        </Action>
      )}
    </div>
  )
}

const verbs = { restart: 'Restart', kill: 'Kill' } as const

const consequences = {
  restart:
    'It answers what it has begun, stops, and starts again. Its visitors go to other servers. No page view is lost.',
  kill: 'Its process ends immediately, as in a crash, and is started again. NGINX sends its visitors, and the page views that it had begun, to other servers.',
} as const

type QuestionProps = {
  name: string
  asked: Asked
  /** the server can take the command now */
  possible: boolean
  onConfirm(): void
  onCancel(): void
}

/** Asks before a server ends. The focus is on the choice that changes nothing, and stays while the command is not possible. */
function Question({ name, asked, possible, onConfirm, onCancel }: QuestionProps) {
  const safe = useRef<HTMLButtonElement>(null)
  const id = useId()
  useEffect(() => safe.current?.focus(), [])
  return (
    // biome-ignore lint/a11y/useSemanticElements: as above
    <div role="group" aria-labelledby={id} className={styles.question}>
      <p id={id}>
        <b>{`${verbs[asked]} ${name}?`}</b> {consequences[asked]}
      </p>
      <div className={styles.actions}>
        <Action ref={safe} className={ui.smallButton} onPress={onCancel}>
          Leave it running
        </Action>
        <Action className={`${ui.smallButton} ${styles.danger}`} disabled={!possible} onPress={onConfirm}>
          {`${verbs[asked]} it`}
        </Action>
      </div>
    </div>
  )
}

async function outcomeOf(name: string, command: ControlCommand, token: string): Promise<Outcome> {
  const url = `/api/servers/${encodeURIComponent(name)}/${command}`
  const init = { method: 'POST', headers: { Authorization: `Bearer ${token}` } }
  try {
    const { message } = await fetchAnswer(isControlAnswer, url, controlTimeoutMs, init)
    return { text: message, failed: false, undoable: command === 'drain' }
  } catch (error) {
    if (error instanceof AnswerRefused && error.code === 'unauthorized')
      forgetToken('This token is not valid.')
    // Without an answer of the board, the browser's own words name no outcome.
    const text = error instanceof AnswerRefused ? error.message : noAnswer
    return { text, failed: true, undoable: false }
  }
}
