// The lab: compares how policies of balancing share visits, on the real NGINX and the real servers. board/board.tsx renders the
// panel. This module has what the HTML has: the experiments. The rest, lab-bench.tsx, loads when the panel comes near the
// window. lab-setup.ts has what can be chosen, lab-run.ts sends the visits and adds up the outcomes, lab-results.ts says what they
// mean.

import { memo, type RefObject, useEffect, useRef } from 'react'
import { isGone } from '../servers/server-rows.ts'
import { setUrlParameters, useUrlQuery } from '../ui/address-bar.ts'
import { Panel } from '../ui/frame.tsx'
import { LoadFailed, useLater } from '../ui/later.tsx'
import { useHydrated } from '../ui/page-lifecycle.ts'
import ui from '../ui/ui.module.css'
import {
  type ExperimentName,
  experimentNames,
  experimentOf,
  experiments,
  parametersOfExperiment,
} from './experiments.ts'
import styles from './lab.module.css'
import type { LabProps } from './lab-bench.tsx'

export const LabPanel = memo(function LabPanel(props: LabProps) {
  const panel = useRef<HTMLDivElement>(null)
  const { part: Bench, failed, load } = useLater(importBench)
  useNear(panel, load)
  const experiment = experimentOf(useUrlQuery())
  // The HTML is the same for every address, so until then no experiment is the chosen one.
  const hydrated = useHydrated()
  return (
    <Panel title="Lab" note="Compare policies on these servers, beside the board">
      <div ref={panel} className={styles.lab}>
        <Experiments chosen={hydrated ? experiment : null} />
        <noscript>
          <p>Running an experiment needs JavaScript. “Visit again” sends one visit.</p>
        </noscript>
        <div className={styles.bench}>
          <Reserved servers={props.servers} />
          <div className={styles.parts}>
            {Bench ? <Bench {...props} /> : failed && <LoadFailed name="The lab" onRetry={load} />}
          </div>
        </div>
      </div>
    </Panel>
  )
})

function chooseExperiment(name: ExperimentName): void {
  setUrlParameters(parametersOfExperiment(name))
}

/** Links once one is chosen, so that a teacher can copy them. A click follows none: it changes the address, and is no visit. */
function Experiments({ chosen }: { chosen: ExperimentName | null }) {
  return (
    <>
      <label className={`${ui.fieldLabel} ${styles.experimentChoice}`}>
        Experiment
        <select
          className={ui.field}
          value={chosen ?? experimentNames[0]}
          onChange={({ target }) => {
            const name = experimentNames.find(each => each === target.value)
            if (name) chooseExperiment(name)
          }}
        >
          {experimentNames.map((name, place) => (
            <option key={name} value={name}>{`${place + 1} · ${experiments[name].title}`}</option>
          ))}
        </select>
      </label>
      <ul className={styles.experiments}>
        {experimentNames.map((name, place) => {
          const { title, about, watch } = experiments[name]
          return (
            <li key={name} data-chosen={name === chosen ? '' : undefined}>
              <a
                href={chosen ? `?lab=${name}#lab` : undefined}
                aria-current={name === chosen || undefined}
                onClick={event => {
                  if (event.ctrlKey || event.metaKey || event.shiftKey) return
                  event.preventDefault()
                  chooseExperiment(name)
                }}
              >{`${place + 1} · ${title}`}</a>
              <p>{about}</p>
              <p>{watch}</p>
            </li>
          )
        })}
      </ul>
    </>
  )
}

/** Keeps the room for the rest, which has a line of bars more for every few servers: an empty element a server finds how many. */
function Reserved({ servers }: Pick<LabProps, 'servers'>) {
  return (
    <span className={`${styles.bars} ${styles.reserved}`} aria-hidden="true">
      {servers.map(({ srv_id, state }) => !isGone(state) && <i key={srv_id} />)}
    </span>
  )
}

const importBench = () => import('./lab-bench.tsx').then(({ LabBench }) => LabBench)

/** How near the window the panel must be to load the rest: until the reader first scrolls, and then. */
const margins = { before: '50px', after: '400px' }

/** Calls `load` when the panel is near the window. A page that stays at its top does without the rest. */
function useNear(panel: RefObject<Element | null>, load: () => void): void {
  useEffect(() => {
    let observer: IntersectionObserver
    function observe(rootMargin: string): void {
      observer = new IntersectionObserver(
        entries => {
          if (!entries.some(({ isIntersecting }) => isIntersecting)) return
          stop()
          load()
        },
        { rootMargin },
      )
      if (panel.current) observer.observe(panel.current)
    }
    function scrolled(): void {
      stop()
      observe(margins.after)
    }
    function stop(): void {
      observer.disconnect()
      removeEventListener('scroll', scrolled)
    }
    observe(margins.before)
    addEventListener('scroll', scrolled)
    return stop
  }, [panel])
}
