// Arithmetic of CRC-32: polynomials over GF(2), modulo that of gzip, the coefficient of x^0 in the highest bit.
// Source: crc32_combine_gen and multmodp of zlib, https://github.com/madler/zlib/blob/v1.3.1/crc32.c

/** x^32 + x^26 + … + 1, without x^32 */
const modulus = 0xedb88320
const one = 0x80000000

/** a · b */
export function multiply(a: number, b: number): number {
  let product = 0
  for (let bit = one; bit !== 0; bit >>>= 1) {
    if (a & bit) product ^= b
    b = b & 1 ? (b >>> 1) ^ modulus : b >>> 1
  }
  return product >>> 0
}

/** x^(8n): what a checksum is multiplied by when n bytes follow. */
export function powerOfBytes(n: number): number {
  let power = one
  let square = 0x00800000 // x^8
  for (let rest = n; rest > 0; rest = Math.floor(rest / 2)) {
    if (rest % 2 === 1) power = multiply(square, power)
    square = multiply(square, square)
  }
  return power
}
