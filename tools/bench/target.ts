/** Something the board is held to: what was asked, what was found, in words and, for programs, as a number. */
export type Target = { what: string; asked: string; found: string; figure: number; met: boolean }
