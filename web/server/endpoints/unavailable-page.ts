import { createHash } from 'node:crypto'
import type { AnswerError } from '../errors.ts'

const style = `
body { margin: 0; min-height: 100vh; display: grid; place-items: center; font: 1rem/1.6 system-ui, sans-serif; }
main { max-width: 32rem; padding: 2rem; }
h1 { margin: 0; font-size: 1.5rem; line-height: 1.25; }
`

/** Its own style, and nothing else. */
export const unavailablePagePolicy = [
  "default-src 'none'",
  `style-src 'sha256-${createHash('sha256').update(style).digest('base64')}'`,
  "img-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join('; ')

/** A page view that came to nothing, in few bytes. Its message is a text of ours, never a visitor's. */
export function unavailablePage(error: AnswerError): string {
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>Not now · Balance Board</title>
<style>${style}</style>
</head>
<body>
<main>
<h1>Not now</h1>
<p>${error.message}</p>
<p><a href="/">Visit again</a></p>
</main>
</body>
</html>
`
}
