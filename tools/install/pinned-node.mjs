import { spawnSync } from 'node:child_process'
import { existsSync, realpathSync } from 'node:fs'
import { join } from 'node:path'
import { CannotInstall } from './cannot-install.mjs'

/** Node's major version the project is written for. */
const wanted = 26

/** Where npm put the pinned Node; npm's scripts find it first. */
export const pinnedNode = root => join(root, 'node_modules', '.bin', 'node')

/** What the machine needs before the pinned Node starts: usually nothing. */
export function whatPinnedNodeLacks(root) {
  const path = pinnedNode(root)
  if (!existsSync(path)) return sayWithoutPinned()
  if (realpathSync(path) === process.execPath) return [] // we run on it
  const { status, stderr, error } = spawnSync(path, ['--version'], { encoding: 'utf8' })
  if (status === 0) return []
  return lackIn(`${error?.message ?? ''}${stderr ?? ''}`)
}

/** Reads why Node did not start. Debian's minimal images have no libatomic. */
export function lackIn(complaint) {
  if (complaint.includes('libatomic.so.1')) return ['libatomic']
  throw new CannotInstall(
    `Node ${wanted}, which npm installed, does not start on this machine: ${complaint.trim() || 'no reason given'}`,
  )
}

function sayWithoutPinned() {
  if (Number(process.versions.node.split('.')[0]) >= wanted) return []
  throw new CannotInstall(
    `npm has no Node ${wanted} for ${process.platform} ${process.arch}, or could not fetch it: ` +
      `install Node ${wanted} or later (https://nodejs.org) and run this again.`,
  )
}
