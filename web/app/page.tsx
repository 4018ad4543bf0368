/// <reference types="next/image-types/global" />
import { packView } from '../shared/packed-snapshot.ts'
import { takePageView } from '../shared/page-view.ts'
import { Board } from './board/board.tsx'
import preview from './preview.png'
import { PathNotice } from './ui/page-scripts.tsx'

export default function Page() {
  const view = takePageView()
  return (
    <>
      {/* A full URL, as many readers require it. Next's metadata would need a fixed host name. */}
      <meta property="og:image" content={`${view.visit?.origin ?? ''}${preview.src}`} />
      <PathNotice />
      <Board view={packView(view)} />
    </>
  )
}
