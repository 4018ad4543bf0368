// Numbers that several modules must agree on: the page and the server, the replica and NGINX, the code and .env.example.
// nginx/nginx.test.ts, deploy/compose/compose.test.ts and tools/launcher/settings.test.ts compare the files that repeat them.

/** Defaults of settings. docker-compose.yml and .env.example repeat them. */
export const settingDefaults = {
  replicas: 3,
  nginxWorkers: 2,
  stickySeconds: 300,
  showClientIps: 'short',
  drainSeconds: 1,
  logLimits: { days: 30, rows: 10_000_000 },
} as const

/** Page views that the replicas of a stack work on concurrently. NGINX refuses more. */
export const pageViewsMax = 640

/** Page views in a second whose messages NGINX all sends to the exporter of its log. Of more, it sends one in twenty. */
export const messagesPerSecond = 100

/** Seconds that a batch waits for the counter's lock. */
export const lockWaitSeconds = 1

/** ms that a hit waits for its number: longer than a lock wait, shorter than NGINX waits for a page. */
export const hitBudgetMs = 1500

/** ms for a query without special urgency. NGINX waits longer for an answer that needs one. */
export const queryTimeoutMs = 5000

/** ms that a replica keeps an idle connection open: longer than NGINX does, so that no request meets a closing connection. */
export const replicaKeepAliveMs = 75_000

/**
 * Bytes of a request's head that a replica reads. NGINX accepts four buffers of 8 kB and adds a few headers
 * (nginx/conf/limits.conf.template). This limit is higher, so it is always NGINX that refuses a head as too large, with
 * a message. Node's default is 16 kB, without a message.
 */
export const replicaHeadBytes = 64 * 1024

/** Seconds between two heartbeats of a server. */
export const heartbeatSeconds = 2

/** Seconds without a heartbeat after which the board shows a server as silent: one heartbeat is missing. */
export const silentAfterSeconds = 3

/** Seconds that a server's rate and latencies cover, up to its last heartbeat. */
export const rateSeconds = 3 * heartbeatSeconds

/** Seconds without a heartbeat after which a server is lost: two heartbeats may be missing. */
export const lostAfterSeconds = 6

/** Seconds without a heartbeat after which the board no longer shows a server. Its hits stay in the sums. */
export const forgottenAfterSeconds = 60

/** Seconds that a server has to acknowledge a command of control. It reads commands twice a second; NGINX waits longer. */
export const controlAnswerSeconds = 10

/** ms that the page waits for the answer to a command of control: longer than NGINX does. */
export const controlTimeoutMs = 15_000

/**
 * The token of control: characters of a token after `Bearer` (https://www.rfc-editor.org/rfc/rfc6750#section-2.1). A short one
 * could be guessed. deploy/compose/make-secrets.ts, which is mounted as a single file, has a copy.
 */
export const adminTokenPattern = /^[A-Za-z0-9._~+/-]{16,256}$/

/** Rows of the log in a snapshot and on the page. */
export const boardLogLength = 50

/** Rows of one answer of `/api/log`: without `limit`, and at most. */
export const logPage = { default: 50, max: 200 } as const

/** Numbers that one answer of `/api/log` scans, however few rows match. */
export const logScanMax = 5000

/** Rows of an export by `/api/log.csv`, at most. */
export const logExportMax = 100_000

/** Seconds of the shortest buckets of the history. They are kept for an hour, and are then added up to minutes. */
export const shortBucketSeconds = 5

/** Ranges of the history. Its times are multiples of a bucket, so the newest bucket is incomplete. */
export const historyRanges = {
  '5m': { seconds: 300, bucketSeconds: shortBucketSeconds },
  '1h': { seconds: 3600, bucketSeconds: 60 },
  '24h': { seconds: 86_400, bucketSeconds: 600 },
} as const

export type HistoryRange = keyof typeof historyRanges

export const historyRangeNames = ['5m', '1h', '24h'] as const satisfies HistoryRange[]

export const defaultHistoryRange: HistoryRange = '5m'

/** Events of one history answer, at most. */
export const historyEventsMax = 200

/** ms. The server writes to a live stream at least this often. */
export const liveKeepAliveMs = 2000

/** ms without a byte after which the page takes a live stream for broken. */
export const liveSilenceMs = 6000

/** Visits of the lab: ms that a server may be slow on purpose, and servers that one visit may name. */
export const labLimits = { slowMsMax: 2000, serversMax: 20 } as const
