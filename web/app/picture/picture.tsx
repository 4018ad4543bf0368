import { useRef } from 'react'
import type { Snapshot } from '../../shared/api.ts'
import type { PageView } from '../../shared/page-view.ts'
import type { Hues } from '../live/hues.ts'
import { crowdOf } from '../servers/crowd.ts'
import hidden from '../ui/hidden.module.css'
import { useFormats } from '../ui/use-formats.ts'
import { Branches } from './branches.tsx'
import { trunkWidth } from './edge-width.ts'
import { flightMs } from './flights.ts'
import styles from './picture.module.css'
import { ServerCard } from './server-card.tsx'
import { trailOf } from './trail.ts'
import { Trunk } from './trunk.tsx'
import { useFlights } from './use-flights.ts'
import { useSettled } from './use-settled.ts'

type Props = { view: PageView; snapshot: Snapshot; hues: Hues }

/** How hits flow: from the visitors through NGINX to a server, and into the database. Each is a dot that travels there. */
export function Picture({ view, snapshot, hues }: Props) {
  const formats = useFormats()
  const stage = useRef<HTMLDivElement>(null)
  const sky = useRef<HTMLDivElement>(null)
  const worth = useFlights({ stage, sky }, view, snapshot)
  const { servers, counter, log } = useSettled(snapshot, flightMs)
  const total = servers.reduce((sum, { rate }) => sum + rate, 0)
  const crowd = crowdOf(servers.length)
  const width = Math.round(trunkWidth(total) * 10) / 10
  return (
    <figure className={styles.picture} aria-label="How visits flow">
      <div ref={stage} className={styles.stage} data-crowd={crowd}>
        <div className={styles.visitors} data-part="visitors">
          <p className={styles.name}>Visitors</p>
          <p className={styles.figure}>{`${formats.rate(total)} hits/s`}</p>
        </div>
        <div className={styles.trunk}>
          <Trunk width={width} />
        </div>
        <div className={styles.nginx} data-part="nginx">
          <p className={styles.name}>NGINX</p>
          <p className={styles.figure}>picks a server</p>
        </div>
        <div className={styles.out}>
          <Branches to="servers" servers={servers} hues={hues} />
        </div>
        <ul className={styles.servers}>
          {servers.map(server => (
            <ServerCard
              key={server.id}
              server={server}
              hue={hues[server.srv_id]}
              yours={server.id === view.server.id}
              trail={trailOf(server.srv_id, log)}
              ownHit={view.visit?.hit}
              compact={crowd !== 'few'}
            />
          ))}
        </ul>
        <div className={styles.in}>
          <Branches to="database" servers={servers} hues={hues} />
        </div>
        <div className={styles.database} data-part="database">
          <p className={styles.name}>Database</p>
          <p className={styles.figure}>{`${formats.whole(counter)} hits`}</p>
        </div>
        <div ref={sky} className={styles.sky} aria-hidden="true" />
      </div>
      <figcaption className={styles.caption}>
        <span className={hidden.hidden}>
          Visits come from the visitors through NGINX to one of the servers, which counts them in the
          database. The same figures stand in the table of servers below.
        </span>
        <span className={styles.key}>
          {worth === 1 ? '1 dot = 1 visit' : `1 dot = ${formats.whole(worth)} visits`}
        </span>
        <span className={styles.still}>Marks: the last 12 visits</span>
      </figcaption>
    </figure>
  )
}
