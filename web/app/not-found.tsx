import { Message } from './ui/frame.tsx'

export default function NotFound() {
  return (
    <Message title="Nothing here">
      <p>
        There is no page at this address. <a href="/">Go to the board</a>; that counts as a visit.
      </p>
    </Message>
  )
}
