import type { FormEvent } from 'react'
import type { ServerRow } from '../../shared/api.ts'
import button from '../ui/button.module.css'
import field from '../ui/field.module.css'
import styles from './log-controls.module.css'
import { isAll, type LogChoice, logUrl } from './log-url.ts'
import type { useLog } from './use-log.ts'

type Props = {
  choice: LogChoice
  servers: ServerRow[]
  log: ReturnType<typeof useLog>
  onChoose(choice: Partial<LogChoice>): void
}

/** Whose visits, whether new ones come in, and the same rows as a file. The choice stands in the page's address. */
export function LogControls({ choice, servers, log, onChoose }: Props) {
  function submit(event: FormEvent<HTMLFormElement>) {
    event.preventDefault()
    const address = new FormData(event.currentTarget).get('client_ip')
    onChoose({ client_ip: typeof address === 'string' ? address.trim() : '' })
  }
  const isKnown = servers.some(({ srv_id }) => srv_id === choice.srv_id)
  return (
    <div className={styles.controls}>
      <form className={styles.filter} onSubmit={submit}>
        <label className={`${field.label} ${styles.named}`}>
          Server
          <select
            className={`${field.field} ${styles.choice}`}
            name="srv_id"
            value={choice.srv_id}
            onChange={event => onChoose({ srv_id: event.target.value })}
          >
            <option value="">all</option>
            {servers.map(({ id, srv_id, name }) => (
              <option key={id} value={srv_id}>
                {name}
              </option>
            ))}
            {choice.srv_id !== '' && !isKnown && <option value={choice.srv_id}>{choice.srv_id}</option>}
          </select>
        </label>
        <label className={`${field.label} ${styles.named}`}>
          Address
          <input
            key={choice.client_ip}
            className={`${field.field} ${styles.choice} ${styles.address}`}
            name="client_ip"
            defaultValue={choice.client_ip}
            placeholder="any"
            autoComplete="off"
            spellCheck={false}
          />
        </label>
        <button type="submit" className={button.small}>
          Filter
        </button>
        <button
          type="button"
          className={button.small}
          disabled={isAll(choice)}
          onClick={() => onChoose({ srv_id: '', client_ip: '' })}
        >
          Show all
        </button>
      </form>
      <div className={styles.actions}>
        <button
          type="button"
          className={`${button.small} ${styles.pause}`}
          onClick={log.live ? log.pause : log.goLive}
        >
          {log.live ? 'Pause' : 'Back to live'}
        </button>
        <a className={button.small} href={logUrl('/api/log.csv', choice)} download>
          CSV
        </a>
      </div>
      {log.error && (
        <p role="alert" className={styles.error}>
          {log.error.message}
        </p>
      )}
    </div>
  )
}
