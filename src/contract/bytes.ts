/** One gibibyte. "GB" means 2^30 bytes in files, flags and on the screen. */
export const GB = 2 ** 30
/** One mebibyte, written "MB". */
export const MB = 2 ** 20

const units: Readonly<Record<string, number>> = { B: 1, KB: 2 ** 10, MB, GB, TB: 2 ** 40 }

/** Writes a number of bytes for people: three significant digits, binary units. `formatBytes(1.5 * GB)` is "1.50 GB". */
export function formatBytes(bytes: number): string {
  const size = Math.abs(bytes)
  if (size < 1000) return `${String(Math.round(bytes))} B`
  const unit = size < 999.5 * 2 ** 10 ? 'KB' : size < 999.5 * MB ? 'MB' : size < 999.5 * GB ? 'GB' : 'TB'
  const value = bytes / (units[unit] ?? 1)
  const digits = Math.abs(value) >= 99.95 ? 0 : Math.abs(value) >= 9.995 ? 1 : 2
  return `${value.toFixed(digits)} ${unit}`
}

/**
 * Reads a size as people write it: "4GB", "512 MB", "1.5gb", or a plain number of bytes.
 * Units are binary. Returns whole bytes, or null when the text is no size.
 */
export function parseBytes(text: string): number | null {
  const match = /^\s*(\d+(?:\.\d+)?)\s*([KMGT]?I?B?)\s*$/i.exec(text)
  if (!match) return null
  const letter = (match[2] ?? '').toUpperCase().replace('I', '')
  const unit = units[letter === '' ? 'B' : letter.endsWith('B') ? letter : `${letter}B`]
  return unit === undefined ? null : Math.round(Number(match[1]) * unit)
}
