import field from '../ui/field.module.css'
import { type Order, orderNames, orderOf, orders } from './order.ts'
import styles from './order-choice.module.css'

type Props = { order: Order; onChoose(order: Order): void }

/** Which servers stand first. */
export function OrderChoice({ order, onChoose }: Props) {
  return (
    <label className={`${field.label} ${styles.choice}`}>
      Order
      <select className={field.field} value={order} onChange={event => onChoose(orderOf(event.target.value))}>
        {orderNames.map(name => (
          <option key={name} value={name}>
            {orders[name]}
          </option>
        ))}
      </select>
    </label>
  )
}
