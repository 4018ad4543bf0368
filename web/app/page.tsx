/// <reference types="next/image-types/global" />
import { takePageView } from '../shared/page-view.ts'
import { Board } from './board/board.tsx'
import preview from './preview.png'
import { PathNotice } from './ui/page-scripts.tsx'

export default function Page() {
  const view = takePageView()
  return (
    <>
      {/* Whole, as many readers of it want it; Next's own metadata would need one fixed name of the board. */}
      <meta property="og:image" content={`${view.visit?.origin ?? ''}${preview.src}`} />
      <PathNotice />
      <Board view={view} />
    </>
  )
}
