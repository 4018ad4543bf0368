import { InlineScript } from './inline-script.tsx'

/** React leaves elements alone that it did not make: this one is there only where the page is under another path. */
const source = `if(location.pathname!=='/'){const p=document.createElement('p');p.role='alert';p.textContent='This board works only at the path / of a host, and here its path is '+location.pathname+'. The proxy in front of it needs a host name or a port for it alone.';document.body.prepend(p)}`

/**
 * Says that the board does not work under a path of another proxy, as /board/: the page comes, and none of the files,
 * styles and answers it asks for. So the text is in the page itself.
 */
export function PathNotice() {
  return <InlineScript source={source} />
}
