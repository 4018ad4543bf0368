import { fileURLToPath } from 'node:url'
import { generateClient, installNpmPackages, missingForNode } from './npm-packages.mjs'
import {
  CannotInstall,
  missingBenchPrograms,
  missingClusterPrograms,
  missingFailoverPrograms,
  missingMonitoringPrograms,
  missingOptionalPrograms,
  missingPrograms,
} from './programs.mjs'
import { installIfPossible, installPrograms } from './system-packages.mjs'

// command.sh runs this before every command: it installs the npm packages (with the pinned Node), the programs that the command
// needs and the database client. It needs Node 18 or later and no package. It prints nothing if nothing is missing.
//   node tools/install/install.mjs [--packages | --tests] [--faults] [--pictures] [--bench] [--monitoring] [--failover]
//     [--cluster]
//   --packages  only the npm packages, for commands that need no other program
//   --tests     also browsers, faketime and a program for database dumps
//   --faults    also faketime, if it can be installed
//   --pictures  also img2webp, which makes an animation
//   --bench     also wrk and Flask
//   --monitoring  also Prometheus, Alertmanager and NGINX's exporter
//   --failover  also keepalived, and ip and curl
//   --cluster   also MariaDB with Galera, and HAProxy

const root = fileURLToPath(new URL('../..', import.meta.url))
const packages = process.argv.includes('--packages')
const tests = process.argv.includes('--tests')
const faults = process.argv.includes('--faults')
const pictures = process.argv.includes('--pictures')
const bench = process.argv.includes('--bench')
const monitoring = process.argv.includes('--monitoring')
const failover = process.argv.includes('--failover')
const cluster = process.argv.includes('--cluster')

try {
  installNpmPackages(root)
  installPrograms([
    ...missingForNode(root),
    ...(packages ? [] : missingPrograms(root, { tests, pictures })),
    ...(bench ? missingBenchPrograms() : []),
    ...(monitoring ? missingMonitoringPrograms() : []),
    ...(failover ? missingFailoverPrograms() : []),
    ...(cluster ? missingClusterPrograms() : []),
  ])
  installIfPossible(missingOptionalPrograms({ faults }))
  generateClient(root)
} catch (error) {
  if (!(error instanceof CannotInstall)) throw error
  console.error(error.message)
  process.exitCode = 1
}
