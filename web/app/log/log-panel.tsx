import { memo, useState } from 'react'
import type { Snapshot } from '../../shared/api.ts'
import type { PageView } from '../../shared/page-view.ts'
import type { Hues } from '../live/hues.ts'
import { Panel } from '../ui/panel.tsx'
import { useHydrated } from '../ui/use-hydrated.ts'
import { useUrlParameter } from '../ui/use-url-parameter.ts'
import { LogControls } from './log-controls.tsx'
import { LogNote } from './log-note.tsx'
import { LogPaging } from './log-paging.tsx'
import { LogTable } from './log-table.tsx'
import type { LogChoice } from './log-url.ts'
import { firstRows, olderThan, orderedRows, ownRow, pageRows } from './shown-row.ts'
import { useLog } from './use-log.ts'

type Props = { view: PageView; snapshot: Snapshot; hues: Hues }

/** The hits, one a row: the newest as they come, those chosen, or older ones. */
export const LogPanel = memo(function LogPanel({ view, snapshot, hues }: Props) {
  const { log: newest, at, counter, servers } = snapshot
  const hydrated = useHydrated()
  const [srv_id, chooseServer] = useUrlParameter('srv_id')
  const [client_ip, chooseAddress] = useUrlParameter('client_ip')
  const [opened, setOpened] = useState<string | null>(null)
  const choice = { srv_id, client_ip }
  const own = ownRow(view)
  const log = useLog(newest, choice, own && hydrated ? Number(own.id) : null)
  const arrange = !hydrated ? firstRows : log.isAsked ? pageRows : orderedRows
  const rows = arrange(own, log.rows, at)

  function choose(next: Partial<LogChoice>): void {
    if (next.srv_id !== undefined) chooseServer(next.srv_id)
    if (next.client_ip !== undefined) chooseAddress(next.client_ip)
    log.restart()
  }

  /** Who reads on wants the row to stay where it is. */
  function open(id: string): void {
    if (log.live) log.pause()
    setOpened(id === opened ? null : id)
  }

  return (
    <Panel title="Latest visits" note={<LogNote log={log} rows={rows} counter={counter} />}>
      <LogControls choice={choice} servers={servers} log={log} onChoose={choose} />
      {/* Another page begins at its top. */}
      <LogTable
        key={log.place}
        rows={rows}
        hues={hues}
        servers={servers}
        opened={opened}
        onOpen={open}
        onChoose={choose}
        busy={log.loading}
      />
      <LogPaging log={log} next={log.isAsked ? log.next : olderThan(rows)} empty={rows.length === 0} />
    </Panel>
  )
})
