/** The browser lays out only the parts in sight: a part is what it can do in no time. */
const partCharacters = 8000

/** A text in parts that end with a line, where lines are not endless. */
export function partsOf(text: string): readonly string[] {
  const parts: string[] = []
  for (let at = 0; at < text.length;) {
    const lineEnd = text.indexOf('\n', at + partCharacters)
    const end =
      lineEnd === -1 || lineEnd > at + 4 * partCharacters
        ? wholeCharacter(text, Math.min(text.length, at + 4 * partCharacters))
        : lineEnd
    parts.push(text.slice(at, end))
    // The break itself is the beginning of the next part.
    at = text[end] === '\n' ? end + 1 : end
  }
  return parts
}

/** Not between the halves of a surrogate pair. */
function wholeCharacter(text: string, at: number): number {
  const code = text.charCodeAt(at)
  return code >= 0xdc00 && code <= 0xdfff ? at - 1 : at
}
