import { builtReplica } from '../../launcher/stack/replica-program.ts'
import type { Entrant } from './contender.ts'

/** This stack, as `npm start` runs it. */
export const board: Entrant = { name: 'board', program: builtReplica(process.env), tables: 'board' }
