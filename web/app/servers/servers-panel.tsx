import type { Snapshot } from '../../answers.ts'
import { useFormats } from '../figures/use-formats.ts'
import { Panel } from '../frame/panel.tsx'
import type { Hues } from './hues.ts'
import { ServersTable } from './servers-table.tsx'

type Props = { snapshot: Snapshot; hues: Hues; yourServerId: number }

/** Who answers, and how the hits are spread. */
export function ServersPanel({ snapshot, hues, yourServerId }: Props) {
  const formats = useFormats()
  return (
    <Panel title="Servers" note={<>As of number {formats.whole(snapshot.counter)}</>}>
      <ServersTable snapshot={snapshot} hues={hues} yourServerId={yourServerId} />
    </Panel>
  )
}
