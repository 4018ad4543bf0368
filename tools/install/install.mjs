import { fileURLToPath } from 'node:url'
import { generateClient, installNpmPackages, whatPinnedNodeLacks } from './npm-packages.mjs'
import { CannotInstall, missingBenchPrograms, missingHelpers, missingPrograms } from './programs.mjs'
import { installIfPossible, installPrograms } from './system-packages.mjs'

// Runs before npm's scripts, on whatever Node 18 or later the machine has and with nothing installed: sees to the npm
// packages, to the pinned Node they bring, and to the programs the stack is made of. Silent when nothing is missing.
//   node tools/install/install.mjs [--packages | --tests] [--faults] [--pictures] [--bench]
// --packages: the npm packages and their Node alone, for commands that need no other program; --tests: a browser and
// faketime too; --faults: faketime, where it can be installed; --pictures: what makes a film of frames; --bench: what only
// the bench needs

const root = fileURLToPath(new URL('../..', import.meta.url))
const packages = process.argv.includes('--packages')
const tests = process.argv.includes('--tests')
const faults = process.argv.includes('--faults')
const pictures = process.argv.includes('--pictures')
const bench = process.argv.includes('--bench')

try {
  installNpmPackages(root)
  installPrograms([
    ...whatPinnedNodeLacks(root),
    ...(packages ? [] : missingPrograms(root, { tests, pictures })),
    ...(bench ? missingBenchPrograms() : []),
  ])
  installIfPossible(missingHelpers({ faults }))
  generateClient(root)
} catch (error) {
  if (!(error instanceof CannotInstall)) throw error
  console.error(error.message)
  process.exitCode = 1
}
