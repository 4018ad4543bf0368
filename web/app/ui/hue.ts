/** How many colours there are; after that they come again, drawn as a ring or with gaps. */
const colours = 7

/** A server's colour as attributes, for what has the class of hue.module.css. Undefined = a server no longer shown. */
export function hueAttributes(hue: number | undefined): { 'data-hue'?: number; 'data-again'?: '' } {
  if (hue === undefined) return {}
  const again = Math.floor(hue / colours) % 2 === 1
  return { 'data-hue': hue % colours, ...(again && { 'data-again': '' }) }
}
