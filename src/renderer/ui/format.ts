const counts = new Intl.NumberFormat('en')

/** A whole number with separators: "18,406". */
export function formatCount(count: number): string {
  return counts.format(Math.round(count))
}

/** A number of tokens in little space: "212", "1.2k", "12.6k", "20k", "1.05M". */
export function formatTokens(tokens: number): string {
  if (tokens < 1000) return String(Math.round(tokens))
  if (tokens < 99_950) return `${trimZeros((tokens / 1000).toFixed(1))}k`
  if (tokens < 999_500) return `${String(Math.round(tokens / 1000))}k`
  return `${trimZeros((tokens / 1e6).toFixed(2))}M`
}

/** A span of time: "12 ms", "0.4 s", "14.8 s", "2 min 5 s", "3 h 10 min". */
export function formatDuration(milliseconds: number): string {
  if (milliseconds < 100) return `${String(Math.round(milliseconds))} ms`
  if (milliseconds < 59_950) return `${(milliseconds / 1000).toFixed(1)} s`
  const seconds = Math.round(milliseconds / 1000)
  if (seconds < 3600) return joinUnits(Math.floor(seconds / 60), 'min', seconds % 60, 's')
  const minutes = Math.round(seconds / 60)
  return joinUnits(Math.floor(minutes / 60), 'h', minutes % 60, 'min')
}

/** How long ago something was: "just now", "12 s ago", "3 min ago", "2 h ago", "4 days ago". */
export function formatAgo(milliseconds: number): string {
  const seconds = Math.round(milliseconds / 1000)
  if (seconds < 5) return 'just now'
  if (seconds < 60) return `${String(seconds)} s ago`
  if (seconds < 3600) return `${String(Math.floor(seconds / 60))} min ago`
  const hours = Math.floor(seconds / 3600)
  if (hours < 48) return `${String(hours)} h ago`
  return `${String(Math.floor(hours / 24))} days ago`
}

/** A number and its unit that no line end parts. */
export function unbroken(text: string): string {
  return text.replaceAll(' ', '\u00a0')
}

/** How far off a number is, as a share of what is right: "+0.9 %", "−12 %", "0.0 %". */
export function formatError(share: number): string {
  const percent = Math.abs(100 * share)
  const text = percent < 9.95 ? percent.toFixed(1) : formatCount(percent)
  const sign = Number(text) === 0 ? '' : share < 0 ? '−' : '+'
  return `${sign}${text} %`
}

/** Decoding speed: "58 tok/s", "7.2 tok/s". */
export function formatSpeed(tokensPerSecond: number): string {
  return `${tokensPerSecond < 9.95 ? tokensPerSecond.toFixed(1) : formatCount(tokensPerSecond)} tok/s`
}

/** How many weights a model has: "135 M", "2.2 M", "70.6 B". */
export function formatParameters(parameters: number): string {
  const [value, unit] =
    parameters < 1e6
      ? [parameters / 1e3, 'K']
      : parameters < 999.5e6
        ? [parameters / 1e6, 'M']
        : parameters < 999.5e9
          ? [parameters / 1e9, 'B']
          : [parameters / 1e12, 'T']
  return `${value < 99.95 ? trimZeros(value.toFixed(1)) : String(Math.round(value))} ${unit}`
}

function trimZeros(number: string): string {
  return number.includes('.') ? number.replace(/\.?0+$/, '') : number
}

function joinUnits(large: number, largeUnit: string, small: number, smallUnit: string): string {
  const start = `${String(large)} ${largeUnit}`
  return small === 0 ? start : `${start} ${String(small)} ${smallUnit}`
}
