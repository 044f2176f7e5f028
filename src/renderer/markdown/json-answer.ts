/** What ends a thought; JSON comes after it. */
const thoughtEnd = '</think>'

/** An answer that follows a JSON schema as markdown: code, after the thoughts if there are any. */
export function asJsonCode(text: string): string {
  const at = text.lastIndexOf(thoughtEnd)
  if (at === -1 && text.trimStart().startsWith('<think>')) return text
  const thoughts = at === -1 ? '' : text.slice(0, at + thoughtEnd.length)
  const json = text.slice(thoughts.length).trim()
  const code = json === '' ? '' : `\`\`\`json\n${json}\n\`\`\``
  return thoughts === '' ? code : `${thoughts}\n\n${code}`
}
