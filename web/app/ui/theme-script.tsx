import { InlineScript } from './inline-script.tsx'
import { themeKey } from './theme.ts'

/** So that a chosen theme is there with the first paint. */
const source = `try{const t=localStorage.getItem(${JSON.stringify(themeKey)});if(t==='light'||t==='dark')document.documentElement.dataset.theme=t}catch{}`

export function ThemeScript() {
  return <InlineScript source={source} />
}
