/** Part 2 of 5 of a split model: the name says so, and must stay as it is. */
const splitPart = /-\d{5}-of-\d{5}\.gguf$/i

/**
 * The file name to store an upload under: the last part of what the browser said, without what any system forbids in
 * names. Null when it is no GGUF's name.
 */
export function sanitizeUploadName(name: string): string | null {
  const last = name.normalize('NFC').split(/[\\/]/).at(-1) ?? ''
  const cleaned = last
    // eslint-disable-next-line no-control-regex -- control characters are what is taken out
    .replace(/[\u0000-\u001f\u007f<>:"|?*\u202a-\u202e\u2066-\u2069]/g, '_')
    .replace(/^[\s.]+/, '')
    .trim()
  const match = /^(.+)(\.gguf)$/i.exec(cleaned)
  const stem = match?.[1]?.trimEnd()
  if (match === null || stem === undefined || stem === '') return null
  // Reserved device names of Windows: https://learn.microsoft.com/windows/win32/fileio/naming-a-file
  const safe = /^(con|prn|aux|nul|com\d|lpt\d)(\.|$)/i.test(stem) ? `_${stem}` : stem
  return isSplitPart(cleaned) ? cleaned : `${shorten(safe, 200)}${match[2] ?? ''}`
}

/** Whether a file is one part of a split model. */
export function isSplitPart(name: string): boolean {
  return splitPart.test(name) && Buffer.byteLength(name) <= 240
}

/** The names to try for a file, in turn: its own, then numbered ones. A part of a split model has only its own. */
export function* uploadNames(name: string): Generator<string> {
  yield name
  if (isSplitPart(name)) return
  const stem = name.slice(0, -'.gguf'.length)
  for (let number = 2; number < 1000; number++) yield `${stem} (${String(number)})${name.slice(stem.length)}`
}

// Most file systems allow 255 bytes a name, and a number and ".part" are still to come.
function shorten(text: string, bytes: number): string {
  let short = text
  while (Buffer.byteLength(short) > bytes) short = Array.from(short).slice(0, -1).join('')
  return short
}
