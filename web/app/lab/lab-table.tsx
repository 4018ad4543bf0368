// The lab's table: a row for each policy, with a bar for each server and the figures of its run.

import { useId } from 'react'
import type { Hues } from '../live/live-board.ts'
import { ServerName, ShareBar } from '../ui/badges.tsx'
import { useFormats } from '../ui/formats.ts'
import { Cell, ColumnHeader, Row, RowHeader, Table, TableBody, TableHead } from '../ui/table.tsx'
import ui from '../ui/ui.module.css'
import styles from './lab.module.css'
import { evennessOf, movedOf, msText, percentile, visitsAt } from './lab-results.ts'
import { doneOf, type LabRuns, type LabServer, runText, type Tally } from './lab-run.ts'
import { isOwn, type Policy, policies, policyNames, type Setup, visitsOf } from './lab-setup.ts'

type ResultsProps = {
  setup: Setup
  runs: LabRuns
  servers: LabServer[]
  best: Policy[]
  hues: Hues
  onChange(changes: Partial<Setup>): void
}

/** A row for each policy, from the start, so a run moves nothing. Its checkbox says whether a run has it. */
export function ResultsTable({ setup, runs, servers, best, hues, onChange }: ResultsProps) {
  const { tallies, earlier, running } = runs
  function toggle(policy: Policy, chosen: boolean): void {
    const next = policyNames.filter(name => (name === policy ? chosen : setup.policies.includes(name)))
    if (next.length > 0) onChange({ policies: next })
  }
  return (
    <>
      <Table label="Policies compared" className={styles.table}>
        <TableHead>
          <Row>
            <ColumnHeader className={styles.policyColumn}>Policy</ColumnHeader>
            <ColumnHeader>
              <span className={ui.visuallyHidden}>Visits at each server</span>
              <span className={styles.bars}>
                {servers.map(({ srv_id, name }) => (
                  <ServerName key={srv_id} name={name} hue={hues[srv_id]} />
                ))}
              </span>
            </ColumnHeader>
            <ColumnHeader className={styles.figure}>Evenness</ColumnHeader>
            <ColumnHeader className={styles.figure}>p50 ms</ColumnHeader>
            <ColumnHeader className={styles.figure}>p99 ms</ColumnHeader>
            <ColumnHeader className={styles.figure}>Slow</ColumnHeader>
            <ColumnHeader className={styles.figure}>Retries</ColumnHeader>
            <ColumnHeader className={styles.figure}>Moved</ColumnHeader>
          </Row>
        </TableHead>
        <TableBody>
          {policyNames.map(policy => (
            <PolicyRow
              key={policy}
              policy={policy}
              chosen={setup.policies.includes(policy)}
              disabled={running !== null}
              best={best.includes(policy)}
              follows={runs.setup?.returning || policy === 'hash' || policy === 'ip_hash'}
              planned={runs.setup && running !== policy ? visitsOf(policy, runs.setup) : null}
              tally={tallies[policy]}
              earlier={earlier[policy]}
              servers={servers}
              hues={hues}
              onToggle={chosen => toggle(policy, chosen)}
            />
          ))}
        </TableBody>
      </Table>
      <p className={styles.legend}>
        Tick: the equal share. Dashed: the run before. p50, p99: until the browser had the answer, with its
        wait for a connection. Slow: answers that a server held back. Retries: failed tries that NGINX hid.
        Moved: visitors who came to another server than before. Others who use the lab now share its
        upstreams: a server that fails for one is left out for all.
      </p>
    </>
  )
}

type PolicyRowProps = {
  policy: Policy
  chosen: boolean
  disabled: boolean
  best: boolean
  /** whether it is of interest which visitors came to another server: they return, or decide where they go */
  follows: boolean
  /** visits of its run, if that has ended */
  planned: number | null
  tally: Tally | undefined
  earlier: Tally | undefined
  servers: LabServer[]
  hues: Hues
  onToggle(chosen: boolean): void
}

function PolicyRow({
  policy,
  chosen,
  disabled,
  best,
  follows,
  planned,
  tally,
  earlier,
  servers,
  hues,
  onToggle,
}: PolicyRowProps) {
  const id = useId()
  const formats = useFormats()
  const own = isOwn(policy)
  const evenness = tally ? evennessOf(tally, servers) : null
  const { moved, of } = tally && follows ? movedOf(tally) : { moved: 0, of: 0 }
  const count = (value: number | undefined) => (own || value === undefined ? '–' : formats.whole(value))
  const does = hashNote(policy, tally?.consistent ?? earlier?.consistent)
  return (
    <Row className={`${styles.row} ${best ? styles.best : ''} ${chosen ? '' : styles.left}`}>
      <RowHeader>
        <label className={styles.policy}>
          <input
            type="checkbox"
            checked={chosen}
            disabled={disabled}
            aria-describedby={id}
            onChange={({ target }) => onToggle(target.checked)}
          />
          {policies[policy].title}
          {own && <strong className={styles.counts}>counted</strong>}
        </label>
        <p id={id} className={styles.does}>
          {tally && planned !== null && (own || doneOf(tally) < planned || tally.failed > 0)
            ? runText(policy, tally, planned)
            : does}
        </p>
      </RowHeader>
      <Cell>
        <span className={styles.bars}>
          {servers.map(server => (
            <Bar key={server.srv_id} server={server} servers={servers.length} {...{ hues, tally, earlier }} />
          ))}
        </span>
      </Cell>
      <Figure label="evenness">{evenness === null ? '–' : formats.percent(evenness)}</Figure>
      <Figure label="p50 ms">{msText(percentile(tally?.times ?? [], 0.5), formats)}</Figure>
      <Figure label="p99 ms">{msText(percentile(tally?.times ?? [], 0.99), formats)}</Figure>
      <Figure label="slow">{count(tally?.slow)}</Figure>
      <Figure label="retries">{count(tally?.retries)}</Figure>
      <Figure label="moved">{of === 0 ? '–' : `${moved} of ${of}`}</Figure>
    </Row>
  )
}

/** What a policy does; for the hash also what the run showed of NGINX's configuration. */
function hashNote(policy: Policy, consistent: boolean | null | undefined): string {
  const { does } = policies[policy]
  if (policy !== 'hash' || consistent === null || consistent === undefined) return does
  return consistent
    ? `${does} Consistent here: a new server moves few keys.`
    : `${does} Not consistent here: a new server moves most keys.`
}

function Figure({ label, children }: { label: string; children: string }) {
  return (
    <Cell className={styles.figure}>
      <span className={styles.value}>{children}</span>
      <span className={styles.label}>{label}</span>
    </Cell>
  )
}

type BarProps = {
  server: LabServer
  servers: number
  hues: Hues
  tally: Tally | undefined
  earlier: Tally | undefined
}

function Bar({ server, servers, hues, tally, earlier }: BarProps) {
  const { whole } = useFormats()
  const { srv_id, name } = server
  const shareOf = (of: Tally) =>
    of.answered === 0 ? 0 : Math.round((visitsAt(of, srv_id) * 1000) / of.answered)
  return (
    <span className={styles.bar}>
      <span className={styles.barName}>{name}</span>
      <ShareBar
        thousandths={tally ? shareOf(tally) : 0}
        hue={hues[srv_id]}
        equal={Math.round(1000 / Math.max(1, servers))}
        earlier={earlier && earlier.answered > 0 ? shareOf(earlier) : undefined}
      />
      <span className={styles.visits}>{tally ? whole(visitsAt(tally, srv_id)) : '–'}</span>
    </span>
  )
}
