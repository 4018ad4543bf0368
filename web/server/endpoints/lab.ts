// GET /lab/visit: a visit of the lab, in which the page compares policies. NGINX chooses the replica by the policy that the
// request names (nginx/conf/lab.conf.template). The request also says how servers behave for it, so there is no state and
// other visits are not affected. Never a hit, never a cookie, no database.

import { once } from 'node:events'
import { setTimeout as pause } from 'node:timers/promises'
import { z } from 'zod'
import { type LabVisit, labPolicies } from '../../shared/api.ts'
import { labLimits } from '../../shared/limits.ts'
import { AnswerError } from '../errors.ts'
import { parseParameters } from '../http/request.ts'
import { type Endpoint, sendJson } from '../http/router.ts'
import type { Identity } from '../identity.ts'

const { slowMsMax, serversMax } = labLimits

const parameters = {
  policy: z.enum(labPolicies, `must be one of ${labPolicies.join(', ')}`),
  key: z
    .string()
    .regex(/^[A-Za-z0-9_-]{1,64}$/, 'must be 1 to 64 letters, digits, _ or -')
    .optional(),
  slow: byServer(milliseconds, `ms from 0 to ${slowMsMax}, as in web-2:300`),
  fail: byServer(share, 'a share from 0 to 1, as in web-3:0.5'),
}

/** Answers a LabVisit after the wait that `slow` says. @throws BadParameter; AnswerError 503 where `fail` says so */
export function labVisitEndpoint(identity: Identity, random = Math.random): Endpoint {
  return async (_request, response, url) => {
    const { policy, slow, fail } = parseParameters(url.searchParams, parameters)
    const waited_ms = slow.get(identity.name) ?? 0
    if (waited_ms > 0) await pauseWhileOpen(waited_ms, response)
    if (response.destroyed) return
    if (random() < (fail.get(identity.name) ?? 0))
      throw new AnswerError(503, 'lab_failure', `${identity.name} fails on purpose.`)
    const visit: LabVisit = { server: identity.name, srv_id: identity.srv_id, policy, waited_ms }
    sendJson(response, 200, visit)
  }
}

/** Waits, but not for a client that has left. */
async function pauseWhileOpen(ms: number, response: Parameters<Endpoint>[1]): Promise<void> {
  const ended = new AbortController()
  const { signal } = ended
  await Promise.race([pause(ms, undefined, { signal }), once(response, 'close', { signal })]).finally(() =>
    ended.abort(),
  )
}

function milliseconds(text: string): number | null {
  return /^\d{1,4}$/.test(text) && Number(text) <= slowMsMax ? Number(text) : null
}

function share(text: string): number | null {
  return /^(?:0(?:\.\d{1,4})?|1(?:\.0{1,4})?)$/.test(text) ? Number(text) : null
}

/** A list of NAME:VALUE, each server once. Servers that do not exist are allowed. */
function byServer(parseValue: (text: string) => number | null, what: string) {
  const error = `must be NAME:VALUE, separated by commas, for up to ${serversMax} servers, each once; the value is ${what}`
  return z
    .string()
    .default('')
    .transform((text, context) => {
      const pairs = text === '' ? [] : text.split(',').map(pair => parsePair(pair, parseValue))
      const values = new Map(pairs.filter(pair => pair !== null))
      if (values.size === pairs.length && values.size <= serversMax) return values
      context.addIssue({ code: 'custom', message: error })
      return z.NEVER
    })
}

function parsePair(pair: string, parseValue: (text: string) => number | null): [string, number] | null {
  const [, name, text = ''] = /^([A-Za-z0-9][A-Za-z0-9.-]{0,62}):(.+)$/.exec(pair) ?? []
  const value = parseValue(text)
  return name === undefined || value === null ? null : [name, value]
}
