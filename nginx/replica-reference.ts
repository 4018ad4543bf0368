/** A replica as NGINX knows it. */
export type ReplicaReference = {
  /** ip:port, or [ip]:port */
  address: string
  /** what the cookie calls it: lowercase hex md5 of the address */
  srvId: string
}
