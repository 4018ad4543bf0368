import { headers } from 'next/headers'
export default async function Page() {
  const h = await headers()
  return <h1>{h.get('x-test') ?? 'none'}</h1>
}
