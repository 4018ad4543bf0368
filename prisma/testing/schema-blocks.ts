/** A `model` of a Prisma schema: its lines, without comments. */
export type ModelBlock = { model: string; lines: string[] }

/** The models of a schema. Throws on any other block that could say something about a table. */
export function readModels(schema: string): ModelBlock[] {
  const models: ModelBlock[] = []
  let open: ModelBlock | null = null
  for (const line of schema.split('\n').map(text => text.replace(/\/\/.*/, '').trim())) {
    const block = /^(\w+) (\w+) \{$/.exec(line)
    if (block) open = openBlock(block[1], block[2])
    else if (line === '}') {
      if (open?.model) models.push(open)
      open = null
    } else if (line) {
      if (!open) throw new Error(`cannot read the line "${line}" of the Prisma schema`)
      open.lines.push(line)
    }
  }
  return models
}

function openBlock(kind = '', name = ''): ModelBlock {
  if (kind === 'model') return { model: name, lines: [] }
  if (kind === 'generator' || kind === 'datasource') return { model: '', lines: [] }
  throw new Error(`cannot read a "${kind}" of the Prisma schema`)
}
