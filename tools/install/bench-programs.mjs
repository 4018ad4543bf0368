import { spawnSync } from 'node:child_process'
import { findProgram } from './programs.mjs'

/** What of the bench is not on this machine: of "wrk", which makes its load, and "flask", one of its contenders. */
export function missingBenchPrograms({ find = findProgram, imports = pythonImports } = {}) {
  const missing = []
  if (!find('wrk')) missing.push('wrk')
  if (!imports('flask', 'gunicorn', 'MySQLdb')) missing.push('flask')
  return missing
}

/** The system's own Python, whatever else is on the path: the packages are for that one. */
function pythonImports(...modules) {
  return (
    spawnSync('/usr/bin/python3', ['-c', `import ${modules.join(', ')}`], { stdio: 'ignore' }).status === 0
  )
}
