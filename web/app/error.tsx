'use client'

import styles from './frame/button.module.css'
import { Message } from './frame/message.tsx'

export default function PageError() {
  return (
    <Message title="The board could not be shown">
      <p>
        Something in this page failed. What has been counted stays counted; loading it again is a new visit.
      </p>
      <button type="button" className={styles.button} onClick={() => location.reload()}>
        Load again
      </button>
    </Message>
  )
}
