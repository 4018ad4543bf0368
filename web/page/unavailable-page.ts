import type { AnswerError } from '../http/errors.ts'

/** A page view that got no number, said plainly. Its message is a text of ours, never a visitor's. */
export function unavailablePage(error: AnswerError): string {
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>Balance Board: not now</title>
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
