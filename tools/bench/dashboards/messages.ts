import { z } from 'zod'

/** A change that was pushed: up to which number the board had counted, and when it was whole at each dashboard. */
export type Tick = { counter: number; arrivals: number[] }

/** What the holder of the dashboards is told. */
export const orderSchema = z.enum(['begin', 'end'])
export type Order = z.output<typeof orderSchema>

/** What it says: once all are open, and after the end, `arrivals` being ms since 1970. */
export const wordSchema = z.union([
  z.object({ open: z.number() }),
  z.object({
    lost: z.number(),
    ticks: z.array(z.object({ counter: z.number(), arrivals: z.array(z.number()) })),
  }),
])
export type Word = z.output<typeof wordSchema>
