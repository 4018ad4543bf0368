/** A table as both the Prisma schema and the database can tell it, in MySQL's words. */
export type Table = {
  name: string
  columns: Column[]
  /** columns of the key, in its order */
  primaryKey: string[]
  indexes: Index[]
}

export type Column = {
  name: string
  /** "bigint unsigned", "varchar(45)", "datetime(3)" */
  type: string
  nullable: boolean
  default: string | null
  autoIncrement: boolean
}

export type Index = { name: string; unique: boolean; columns: string[] }
