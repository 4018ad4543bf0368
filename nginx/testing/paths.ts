import { join } from 'node:path'

export const testCertificate = join(import.meta.dirname, 'certificate/test-only.crt')
export const testKey = join(import.meta.dirname, 'certificate/test-only.key')
