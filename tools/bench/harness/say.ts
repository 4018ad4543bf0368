import type { Report } from '../../launcher/stack/stack-options.ts'

/** How far a bench is. What it found goes to standard output, and nothing else does. */
export const say: Report = (part, text) => console.error(`${part.padEnd(18)}${text}`)
