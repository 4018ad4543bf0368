import type { IncomingMessage, ServerResponse } from 'node:http'

/** Answers one request. What it throws before it has answered is sent by the router. */
export type Endpoint = (request: IncomingMessage, response: ServerResponse, url: URL) => Promise<void> | void
