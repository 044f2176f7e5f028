/** What is said of a link before it is opened. */
export type LinkFacts = {
  /** The host as computers know it, or the mail address. */
  readonly host: string
  readonly address: string
  readonly kind: 'web' | 'mail'
  readonly warnings: readonly string[]
}

/** The address when it leads outside by http, https or mail; else nothing. Pure. */
export function outsideUrl(url: string): string {
  return URL.canParse(url) && ['http:', 'https:', 'mailto:'].includes(new URL(url).protocol) ? url : ''
}

/** Where a link leads, in plain words, given the text that it is shown with. Pure. Throws `TypeError` for what is no address. */
export function describeLink(address: string, shownAs: string): LinkFacts {
  const url = new URL(address)
  if (url.protocol === 'mailto:') {
    const [to = ''] = address.slice('mailto:'.length).split('?')
    return { host: decodeSafely(to), address, kind: 'mail', warnings: [] }
  }
  const warnings: string[] = []
  const { hostname } = url
  if (hostname.split('.').some((label) => label.startsWith('xn--'))) {
    const written = /^[a-z]+:\/\/(?:[^/?#@]*@)?([^/?#:]*)/i.exec(address)?.[1] ?? ''
    const looks = written === '' || written.toLowerCase() === hostname ? '' : `, as “${written}”`
    warnings.push(
      `The name is written in other letters than it seems${looks}: it may look like the name of another site`,
    )
  }
  if (url.username !== '' || url.password !== '')
    warnings.push('What stands before the @ is a name to sign in with, and not where it leads')
  const named = namedHost(shownAs)
  if (named !== null && !isSameSite(named, hostname))
    warnings.push(`The link says “${named}”, and leads somewhere else`)
  if (/^[\d.]+$|^\[/.test(hostname)) warnings.push('The address is a number and no name')
  if (url.protocol === 'http:') warnings.push('The connection is not encrypted')
  return { host: url.host, address: url.href, kind: 'web', warnings }
}

/** The host that a link's text names, if it looks like an address. */
function namedHost(text: string): string | null {
  const shown = text.trim().toLowerCase()
  const match = /^(?:https?:\/\/)?((?:[\p{L}\p{N}-]+\.)+\p{L}{2,})(?:[/:?#]|$)/u.exec(shown)
  return match?.[1] ?? null
}

function isSameSite(named: string, hostname: string): boolean {
  const asHost = URL.canParse(`https://${named}`) ? new URL(`https://${named}`).hostname : named
  return asHost === hostname || asHost.replace(/^www\./, '') === hostname.replace(/^www\./, '')
}

function decodeSafely(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    return text
  }
}
