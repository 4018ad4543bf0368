import { join } from 'node:path'
import type { Entrant } from './contender.ts'

/** The original the board descends from. Debian's Python, because Flask is Debian's package. */
export const flask: Entrant = {
  name: 'flask',
  program: {
    command: '/usr/bin/python3',
    arguments: ['-m', 'gunicorn', 'app:app'],
    cwd: join(import.meta.dirname, 'flask'),
    environment: { ...process.env, PYTHONDONTWRITEBYTECODE: '1' },
    readyWithin: 30_000,
  },
  tables: 'peers',
}
