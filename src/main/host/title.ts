/** The title of a conversation without any message. */
export const untitled = 'New conversation'

/** At the beginning of a message, and said to anybody. Followed by a name of one word, or by nobody's. */
const greeting =
  /^(?:(?:hi|hello|hey|hallo|hiya|howdy|greetings|good (?:morning|afternoon|evening|day)|dear|moin|guten (?:morgen|tag|abend)|bonjour|salut|hola|ciao)(?: there| all| everyone| again)?)(?: \p{Lu}\p{L}*)?(?:[,!.:;\s–—-]+|$)/iu

/**
 * A title for a conversation from its first message: the first line that says something, without greetings, markdown marks,
 * code and the long part of web addresses, shortened at a word to about 60 characters.
 */
export function titleFrom(text: string): string {
  const start = text.slice(0, 4000)
  const [prose, code] = partCode(start)
  const lines = [...prose, ...code].map(plain).filter((line) => line !== '')
  const [first] = lines
  if (first === undefined) return untitled
  // Only a greeting: that is what it is about.
  const said = lines.map(withoutGreeting).find((line) => line !== '') ?? first
  return shorten(capitalise(said, first))
}

/** The lines outside of code fences, and those within. */
function partCode(text: string): [prose: string[], code: string[]] {
  const prose: string[] = []
  const code: string[] = []
  let fence: string | null = null
  for (const line of text.split(/\r?\n/)) {
    const mark = /^\s*(`{3,}|~{3,})/.exec(line)?.[1]
    if (mark !== undefined && (fence === null || mark.startsWith(fence))) fence = fence === null ? mark : null
    else (fence === null ? prose : code).push(line)
  }
  return [prose, code]
}

/** A line without the marks of markdown: headings, quotes, lists, emphasis, code, links, images, rules. */
function plain(line: string): string {
  return line
    .replace(/^\s*(?:(?:#{1,6}|>|[-*+]|\d{1,3}[.)])\s+)+/, '')
    .replace(/^\s*(?:[-*_=]\s*){3,}$/, '')
    .replaceAll(/!?\[([^\]]*)\]\([^)\s]*(?:\s+"[^"]*")?\)/g, '$1')
    .replaceAll(/<?\b(?:https?|ftp):\/\/[^\s<>]+>?/gi, siteOf)
    .replaceAll(/(\*\*|__|~~|`+)(\S(?:.*?\S)?)\1/g, '$2')
    .replaceAll(/(?<![\p{L}\p{N}])([*_])(\S(?:.*?\S)?)\1(?![\p{L}\p{N}])/gu, '$2')
    .replaceAll(/\s+/g, ' ')
    .trim()
}

/** Of a web address its site: "https://example.org/a/b?c" is about example.org. */
function siteOf(address: string): string {
  const url = address.replace(/^<|>$/g, '')
  return URL.canParse(url) ? new URL(url).hostname.replace(/^www\./, '') : url
}

function withoutGreeting(line: string): string {
  return line.replace(greeting, '').trim()
}

/** What followed a greeting begins like a title. */
function capitalise(said: string, first: string): string {
  return said === first ? said : said.charAt(0).toUpperCase() + said.slice(1)
}

function shorten(line: string): string {
  const cut = [...new Intl.Segmenter().segment(line.slice(0, 2000))][60]?.index
  if (cut === undefined) return line
  const start = line.slice(0, cut)
  const lastSpace = start.lastIndexOf(' ')
  // A line without a space in reach (Chinese) is cut where it stands.
  return `${(lastSpace > 20 ? start.slice(0, lastSpace) : start).replace(/[\s,;:.–—-]+$/, '')}…`
}
