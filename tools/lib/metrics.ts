/** One number that the replica at `address` has at `/metrics`. @throws if it does not answer, or has no whole number of this name */
export async function readMetric(address: string, name: string): Promise<number> {
  const text = await (await fetch(`http://${address}/metrics`)).text()
  const [, value] = new RegExp(`^${name}{.*} (\\d+)$`, 'm').exec(text) ?? []
  if (value === undefined) throw new Error(`${address} has no ${name} at /metrics`)
  return Number(value)
}
