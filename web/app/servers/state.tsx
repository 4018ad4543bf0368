import type { ServerState } from '../../answers.ts'
import { type Shape, ShapeMark } from '../marks/shape-mark.tsx'
import styles from './state.module.css'

const shapes: Record<ServerState, Shape> = {
  up: 'full',
  joining: 'dotted',
  draining: 'half',
  lost: 'cross',
  stopped: 'empty',
}

/** A server's state, as a shape and a word. */
export function State({ state }: { state: ServerState }) {
  return (
    <span className={styles.state} data-state={state}>
      <ShapeMark shape={shapes[state]} />
      {state}
    </span>
  )
}
