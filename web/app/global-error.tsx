'use client'

import './globals.css'

/** If even the layout fails. Short and without imports: every page loads it in advance. */
export default function GlobalError() {
  return (
    <html lang="en">
      <body>
        <main>
          <h1>The board could not be shown</h1>
          <p>
            Something in this page failed. What has been counted stays counted; loading it again is a new
            visit.
          </p>
          <button type="button" onClick={() => location.reload()}>
            Load again
          </button>
        </main>
      </body>
    </html>
  )
}
