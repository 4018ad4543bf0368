import { defineConfig } from 'prisma/config'

// `generate` needs no database; Studio and Prisma's own migrate ask for DATABASE_URL themselves.
const url = process.env.DATABASE_URL

export default defineConfig({
  schema: 'prisma/schema.prisma',
  migrations: { path: 'prisma/migrations' },
  ...(url ? { datasource: { url } } : {}),
})
