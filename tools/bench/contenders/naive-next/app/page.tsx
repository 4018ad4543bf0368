import { headers } from 'next/headers'
import { countPageView } from './count-page-view.ts'
import { readNewestRows } from './read-newest-rows.ts'

/** Asking for the headers makes the page dynamic: it is rendered for each request. */
export default async function Page() {
  const clientIp = (await headers()).get('x-real-ip') ?? ''
  const hit = await countPageView(clientIp)
  const rows = await readNewestRows()
  return (
    <main>
      <h1>Page view {hit}</h1>
      <table>
        <thead>
          <tr>
            <th>Number</th>
            <th>Time (UTC)</th>
            <th>Client</th>
            <th>Server</th>
          </tr>
        </thead>
        <tbody>
          {rows.map(row => (
            <tr key={row.id}>
              <td>{row.id}</td>
              <td>{row.created_at}</td>
              <td>{row.client_ip}</td>
              <td>{row.server}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </main>
  )
}
