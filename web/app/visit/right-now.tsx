import type { ServerRow } from '../../shared/api.ts'
import { fairness } from '../servers/fairness.ts'
import { useFormats } from '../ui/use-formats.ts'
import { Fact, Figure } from './figure.tsx'
import styles from './right-now.module.css'

/** How much comes in, and how evenly it is spread over the servers that are up: both of the last few seconds. */
export function RightNow({ servers }: { servers: ServerRow[] }) {
  const formats = useFormats()
  const total = servers.reduce((sum, { rate }) => sum + rate, 0)
  const index = fairness(servers.filter(({ state }) => state === 'up').map(({ rate }) => rate))
  return (
    <Figure name="Right now" value={`${formats.rate(total)} hits/s`}>
      <Fact name="Taken over">last seconds</Fact>
      <Fact name="Spread">
        fairness <span className={styles.ratio}>{index === null ? '–' : formats.ratio(index)}</span>
      </Fact>
    </Figure>
  )
}
