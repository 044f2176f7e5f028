/** Marks that change the direction of what follows, and may make a text look like another one. */
const bidiControls = /[\u202A-\u202E\u2066-\u2069]/g
/** Control characters but tab and line feed; carriage returns before a line feed are dropped first. */
// eslint-disable-next-line no-control-regex -- they are what it is about
const controls = /[\0-\x08\x0B-\x1F\x7F-\x9F]/g
/** More marks on one letter than any script has: they would paint over the lines around. */
const piledMarks = /(\p{M}{8})\p{M}+/gu
// eslint-disable-next-line no-control-regex -- as above
const suspects = /[\0-\x08\x0B-\x1F\x7F-\x9F\u202A-\u202E\u2066-\u2069\p{Cs}]|\p{M}{9}/u

/**
 * Text as it can be drawn without harm: direction overrides and control characters are seen as marks, halves of characters
 * are replaced, and no letter carries a tower of accents. Pure; what is copied is the text itself.
 */
export function harmlessText(text: string): string {
  if (!suspects.test(text)) return text
  return text
    .toWellFormed()
    .replaceAll('\r\n', '\n')
    .replaceAll(bidiControls, (mark) => `⟨U+${(mark.codePointAt(0) ?? 0).toString(16).toUpperCase()}⟩`)
    .replaceAll(controls, (mark) => pictureOf(mark.codePointAt(0) ?? 0))
    .replaceAll(piledMarks, '$1')
}

/** The pictures that Unicode has for control characters; the others by number. */
function pictureOf(code: number): string {
  if (code < 0x20) return code === 0x0d ? '\n' : String.fromCodePoint(0x2400 + code)
  return code === 0x7f ? '\u2421' : `⟨U+${code.toString(16).toUpperCase().padStart(4, '0')}⟩`
}
