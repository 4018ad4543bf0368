const format = (maximumFractionDigits: number) => new Intl.NumberFormat('en-GB', { maximumFractionDigits })
const whole = format(0)
const fine = format(2)

/** 4,312 and 12.35: as many digits as say something. */
export const number = (figure: number) => (Math.abs(figure) < 100 ? fine : whole).format(figure)
export const megabytes = (bytes: number) => `${whole.format(bytes / 1e6)} MB`
export const kilobytes = (bytes: number) => `${fine.format(bytes / 1000)} kB`
