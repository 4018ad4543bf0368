import { memo } from 'react'
import type { Snapshot } from '../../shared/api.ts'
import type { Hues } from '../live/hues.ts'
import { Panel } from '../ui/panel.tsx'
import { useFormats } from '../ui/use-formats.ts'
import { OrderChoice } from './order-choice.tsx'
import { ServersTable } from './servers-table.tsx'
import { useOrder } from './use-order.ts'

type Props = { snapshot: Snapshot; hues: Hues; yourServerId: number }

/** Who answers, and how the hits are spread. The order stands in the page's address. */
export const ServersPanel = memo(function ServersPanel({ snapshot, hues, yourServerId }: Props) {
  const formats = useFormats()
  const [servers, order, choose] = useOrder(snapshot.servers)
  return (
    <Panel title="Servers" note={`As of number ${formats.whole(snapshot.counter)}`}>
      <OrderChoice order={order} onChoose={choose} />
      <ServersTable snapshot={{ ...snapshot, servers }} hues={hues} yourServerId={yourServerId} />
    </Panel>
  )
})
