// `npm run bench`: see README.md here. With --json its last line is one object; --short only shows that it works.
import { buildIfChanged } from '../local/build/build-if-changed.ts'
import { benchCommand } from './bench-command.ts'
import { compare } from './compare.ts'
import { parseOptions } from './options.ts'
import { ratiosOf } from './rounds/ratios.ts'
import { say } from './say.ts'

const { extent, json } = parseOptions(process.argv.slice(2))

await benchCommand(async ground => {
  await buildIfChanged(say, ground.site.signal)
  const contenders = await compare(ground, extent)
  console.log(JSON.stringify({ contenders, ratios: ratiosOf(contenders) }, null, 2))
})
