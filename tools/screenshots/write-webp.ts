import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { findProgram } from '../install/programs.mjs'
import { StackFailure } from '../lib/stack-failure.ts'
import type { Frame } from './record-frames.ts'

const run = promisify(execFile)
const quality = '75'

/** Makes an animated WebP of the frames, which goes on for ever. Source: https://developers.google.com/speed/webp/docs/img2webp */
export async function writeWebp(frames: Frame[], path: string): Promise<void> {
  const img2webp = findProgram('img2webp')
  if (!img2webp) throw new StackFailure('img2webp, which makes the film, is not on this machine')
  const each = frames.flatMap(({ path, lasts }) => [
    '-d',
    String(Math.max(1, Math.round(lasts))),
    '-lossy',
    '-q',
    quality,
    path,
  ])
  await run(img2webp, ['-loop', '0', '-kmax', '0', ...each, '-o', path])
}
