/** How closely the servers must stand: some and many are one line each. */
export function crowdOf(servers: number): 'few' | 'some' | 'many' {
  if (servers <= 5) return 'few'
  return servers <= 9 ? 'some' : 'many'
}
