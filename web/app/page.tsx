import { takePageView } from '../page/page-view.ts'
import { Board } from './board/board.tsx'

export default function Page() {
  return <Board view={takePageView()} />
}
