import { type FormEvent, useState } from 'react'
import button from '../ui/button.module.css'
import { tellOtherTabs } from './cookie-hold.ts'

const path = '/api/forget'

/** Expires the sticky cookie, which scripts cannot read, and visits again: as a stranger. */
export function ForgetForm() {
  const [state, setState] = useState<'ready' | 'asking' | 'failed'>('ready')

  async function forget(event: FormEvent) {
    event.preventDefault()
    setState('asking')
    const forgotten = await fetch(path, { method: 'POST' }).then(
      answer => answer.ok,
      () => false,
    )
    if (!forgotten) return setState('failed')
    tellOtherTabs(null)
    location.reload()
  }

  return (
    <form action={path} method="post" onSubmit={forget}>
      <button type="submit" className={button.button} disabled={state === 'asking'}>
        Forget my server
      </button>
      {state === 'failed' && (
        <p role="alert">No answer: your cookie is still there. Try again in a moment.</p>
      )}
    </form>
  )
}
