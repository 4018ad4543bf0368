/** Who this replica is, in this life. */
export type Identity = {
  /** its row in `server`: which life */
  id: number
  /** how people call it */
  name: string
  /** ip:port, as NGINX knows it */
  address: string
  /** what the sticky cookie calls it */
  srv_id: string
}
