import { constants } from 'node:fs'
import { access, rm, symlink } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { listenAddress } from './listen-address.ts'

export type TlsSettings = {
  /** PEM file: the certificate, then those that vouch for it */
  certificate: string
  /** PEM file, without a passphrase */
  key: string
  /** HTTPS listens here; the port of plain HTTP then only leads to it */
  port: number
  /** the host that plain HTTP leads to; default: the one that the client asked for */
  publicHost?: string
  /** whether this NGINX has the directive `http2`: see findNginx */
  http2Directive: boolean
  /** false where browsers reach HTTP or HTTPS by other ports than 80 and 443: then there is no HSTS; default: true */
  strictTransport?: boolean
}

// Beside the configuration: the paths that they lead to may have characters that mean something in it.
const certificateLink = 'tls.crt'
const keyLink = 'tls.key'

/** Links to the files of `tls` in the folder of the configuration. NGINX follows them again at each reload. */
export async function linkCertificate(directory: string, { certificate, key }: TlsSettings): Promise<void> {
  for (const [link, file] of [
    [certificateLink, certificate],
    [keyLink, key],
  ] as const) {
    await rm(join(directory, link), { force: true })
    await symlink(resolve(file), join(directory, link))
  }
}

/** What conf/transport-tls.conf.template needs. */
export function tlsVariables(host: string, tls: TlsSettings): Record<string, string> {
  return {
    NGINX_LISTEN_TLS: `${listenAddress(host, tls.port)} ssl${tls.http2Directive ? '' : ' http2'}`,
    NGINX_HTTP2: tls.http2Directive ? 'http2 on;' : '',
    NGINX_REDIRECT_HOST: tls.publicHost ?? '$host',
    NGINX_CERTIFICATE: certificateLink,
    NGINX_CERTIFICATE_KEY: keyLink,
    NGINX_STRICT_TRANSPORT: tls.strictTransport === false ? '' : 'max-age=31536000',
    NGINX_HTTPS_PORT_SUFFIX: tls.port === 443 ? '' : `:${tls.port}`,
  }
}

/** @throws when a file is not there or cannot be read: HTTPS that was asked for never becomes plain HTTP */
export async function checkTls({ certificate, key, publicHost = 'localhost' }: TlsSettings): Promise<void> {
  if (!/^[A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?$/.test(publicHost))
    throw new Error(`${publicHost} is not the name of a host that plain HTTP can lead to`)
  for (const [name, file] of Object.entries({ certificate, "certificate's key": key })) {
    await access(file, constants.R_OK).catch(() => {
      throw new Error(`HTTPS needs the ${name}, and ${file} is not there or cannot be read`)
    })
  }
}
