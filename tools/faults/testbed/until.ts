import { waitUntil } from '../../lib/wait-until.ts'

/** ms after which what a fault took away counts as gone for good */
const patience = 60_000

/** Asks often, since what is measured begins when the answer is true. @throws when it is not after a minute */
export const until = (sentence: string, what: () => Promise<boolean> | boolean) =>
  waitUntil(sentence, patience, async () => what(), 20)
