import { useState } from 'react'
import type { ServerRow } from '../../shared/api.ts'
import { useUrlParameter } from '../ui/use-url-parameter.ts'
import { inOrder, type Order, orderOf } from './order.ts'

/**
 * The servers in the order that the address asks for. It is taken anew when another is chosen and when a server comes,
 * goes or changes its state, not with every figure: rows would change places under the reader's eyes.
 */
export function useOrder(servers: ServerRow[]): [ServerRow[], Order, (order: Order) => void] {
  const [asked, choose] = useUrlParameter('order')
  const order = orderOf(asked)
  const occasion = [order, ...servers.map(({ id, state }) => `${id} ${state}`)].join()
  const take = () => ({ occasion, ids: inOrder(servers, order).map(({ id }) => id) })
  const [taken, setTaken] = useState(take)
  if (taken.occasion !== occasion) setTaken(take())
  const ordered = taken.ids.flatMap(id => servers.find(server => server.id === id) ?? [])
  return [ordered, order, next => choose(next === 'name' ? '' : next)]
}
