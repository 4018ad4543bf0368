import type { Snapshot } from '../../shared/api.ts'
import { shownState, silenceMs } from '../../shared/shown-state.ts'
import { elapsed } from '../../shared/times.ts'
import { listed } from '../../shared/wording.ts'
import type { BoardEvent } from '../live/board-events.ts'
import type { EventKind, EventServer } from '../live/server-reports.ts'
import type { Shape } from '../ui/badges.tsx'
import type { Formats } from '../ui/formats.ts'

/** An event in words. */
export type EventText = {
  shape: Shape
  /** lost, or not equal */
  bad: boolean
  what: string
  /** since when it lasts, if that is all there is to say of its times */
  since: string | null
  /** a text that changes as time passes, which screen readers skip */
  passing: string
  /** what it means, and for which visitors */
  more: string
  cost: string
}

type Reader = {
  snapshot: Snapshot
  /** srv_id of the server that answered the reader */
  ownSrvId: string
  /** time of the snapshot in the HTML: the reader's visit came later */
  openedAt: string
  formats: Formats
}

export function eventText(event: BoardEvent, reader: Reader): EventText {
  const { kind, servers } = event
  const [shape, bad] = looks[kind]
  const more = moreText(event, reader)
  return {
    shape,
    bad,
    what: whatText(event, reader.formats),
    since: kind === 'database away' || kind === 'unreachable' ? event.since : null,
    passing: kind === 'lost' || kind === 'silent' ? passingText(servers, reader.snapshot) : '',
    more: [more, alsoText(event), stillText(event, reader.snapshot)].filter(text => text !== '').join(' '),
    cost: costText(event, reader.formats),
  }
}

/** Whether the server that answered the reader did so after this. The HTML can be older than the visit that it answers. */
function answeredSince({ kind, at }: BoardEvent, { openedAt }: Reader): boolean {
  const tells = kind === 'lost' || kind === 'silent' || kind === 'killed' || kind === 'stopped'
  return tells && at !== null && Date.parse(at) <= Date.parse(openedAt)
}

const looks: Record<EventKind, [shape: Shape, bad: boolean]> = {
  'database away': ['cross', true],
  unreachable: ['cross', true],
  unequal: ['cross', true],
  'no servers': ['cross', true],
  lost: ['cross', true],
  killed: ['cross', true],
  silent: ['target', false],
  unheard: ['target', false],
  'all draining': ['half', false],
  stopped: ['empty', false],
  draining: ['half', false],
  'database back': ['full', false],
  reachable: ['full', false],
  'killed and back': ['full', false],
  restarted: ['full', false],
  back: ['full', false],
  undrained: ['full', false],
  joined: ['full', false],
  heard: ['full', false],
  equal: ['full', false],
}

function whatText({ kind, servers, tookMs }: BoardEvent, formats: Formats): string {
  const who = namesOf(servers)
  const [is, was] = servers.length > 1 ? ['are', 'were'] : ['is', 'was']
  const after = (word: string) => (tookMs === null ? '' : ` ${word} ${lasted(tookMs, formats)}`)
  switch (kind) {
    case 'database away':
      return 'Database not answering.'
    case 'database back':
      return `Database answered again${after('after')}.`
    case 'unreachable':
      return 'No answer from any server.'
    case 'reachable':
      return `Connected again${after('after')}.`
    case 'unequal':
      return 'The counter, the log and the servers’ hits disagree.'
    case 'equal':
      return 'The counter, the log and the servers’ hits agree again.'
    case 'no servers':
      return 'No server is left.'
    case 'unheard':
      return 'No server has reported for some seconds.'
    case 'heard':
      return 'The servers report again.'
    case 'all draining':
      return 'All servers are draining.'
    case 'killed and back':
      return `${who} ${was} killed and restarted${after('within')}.`
    case 'killed':
      return `${who} ${was} killed and ${is} starting again.`
    case 'restarted':
      return `${who} ${was} restarted.`
    case 'stopped':
      return `${who} stopped in order.`
    case 'joined':
      return `${who} started.`
    case 'back':
      return `${who} ${is} back${after('after')}${tookMs === null ? '' : ' of silence'}.`
    case 'undrained':
      return `${who} ${servers.length > 1 ? 'take' : 'takes'} new visitors again.`
    case 'lost':
    case 'silent':
    case 'draining':
      return `${who} ${is} ${kind}.`
  }
}

function moreText(event: BoardEvent, reader: Reader): string {
  const { kind, servers, heirs, tookMs } = event
  const { ownSrvId, formats } = reader
  const [theirs, they] = servers.length > 1 ? ['Their', 'They were'] : ['Its', 'It was']
  const own = servers.find(({ srv_id }) => srv_id === ownSrvId)
  const it = servers.length > 1 ? own?.name : 'It'
  if (own && answeredSince(event, reader)) return `${it} has answered you since.`
  const to = heirs.length > 0 ? namesOf(heirs.map(name => ({ name }))) : null
  switch (kind) {
    case 'lost':
    case 'killed':
    case 'stopped':
      if (to === null) return 'No other server is up.'
      return own
        ? `${it} answered you: your next visit goes to another server.`
        : `${theirs} visitors now go to ${to}.`
    case 'silent':
      if (to === null) return 'No other server is up.'
      return own
        ? `${it} answered you: your next visit may go to another server.`
        : `${theirs} visitors go to ${to} if it does not answer.`
    case 'draining':
      return `${theirs} visitors stay${to === null ? '' : `; new ones go to ${to}`}.`
    case 'all draining':
      return 'They still answer, new visitors too, until they stop.'
    case 'undrained':
      return tookMs === null ? '' : `${they} draining for ${lasted(tookMs, formats)}.`
    case 'database away':
      return 'Page views may fail until it does. This page catches up by itself.'
    case 'unreachable':
      return 'This page keeps trying, and catches up by itself.'
    case 'unequal':
      return 'The badge at the top opens the audit.'
    case 'no servers':
      return 'The next server continues the count.'
    case 'unheard':
      return 'One of them answers this page, so the database may refuse what they write.'
    default:
      return ''
  }
}

function costText({ kind, cost }: BoardEvent, { whole }: Formats): string {
  if (cost === null) return ''
  const { moved, failed } = cost
  switch (kind) {
    case 'database back':
      return `${whole(failed)} page ${failed === 1 ? 'view' : 'views'} failed; no counted visit was lost.`
    case 'lost':
    case 'silent':
    case 'killed':
    case 'stopped':
    case 'draining':
    case 'killed and back':
    case 'restarted':
    case 'back':
    case 'undrained':
      return `${whole(moved)} moved · ${whole(failed)} failed`
    default:
      return ''
  }
}

/** For how long no heartbeat of the servers came: the longest, if there are several. */
function passingText(servers: EventServer[], { servers: rows, at }: Snapshot): string {
  const silences = rows
    .filter(({ srv_id }) => servers.some(server => server.srv_id === srv_id))
    .filter(row => ['lost', 'silent'].includes(shownState(row, at)))
    .map(row => silenceMs(row, at))
  return silences.length > 0 ? `No heartbeat for ${elapsed(Math.max(...silences))}.` : ''
}

const shortWords: Partial<Record<EventKind, string>> = {
  lost: 'lost',
  silent: 'silent',
  killed: 'killed',
  stopped: 'stopped',
  draining: 'draining',
  'killed and back': 'killed and restarted',
  restarted: 'restarted',
  back: 'back',
  undrained: 'no longer draining',
  joined: 'started',
  'database back': 'the database answers again',
  reachable: 'connected again',
}

/** "Also: web-5 started." */
function alsoText({ also }: BoardEvent): string {
  const parts = also.flatMap(({ kind, servers }) => {
    const word = shortWords[kind]
    return word ? [[...(servers.length > 0 ? [namesOf(servers)] : []), word].join(' ')] : []
  })
  return parts.length > 0 ? `Also: ${parts.join(', ')}.` : ''
}

/** The servers that are still lost, when the event is about something else. */
function stillText({ servers, also }: BoardEvent, { servers: rows, at }: Snapshot): string {
  const named = [...servers, ...also.flatMap(part => part.servers)]
  const lost = rows.filter(row => {
    return shownState(row, at) === 'lost' && !named.some(({ srv_id }) => srv_id === row.srv_id)
  })
  if (lost.length === 0) return ''
  return `${namesOf(lost)} ${lost.length > 1 ? 'are' : 'is'} still lost.`
}

/** "web-1, web-2 and web-4"; of more than four only how many. */
function namesOf(servers: { name: string }[]): string {
  return servers.length > 4 ? `${servers.length} servers` : listed(servers.map(({ name }) => name))
}

/** "1.3 s", "12 s", "2 min" */
function lasted(ms: number, { rate }: Formats): string {
  return ms < 60_000 ? `${rate(ms / 1000)} s` : elapsed(ms)
}
