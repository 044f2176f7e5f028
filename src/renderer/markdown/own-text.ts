/**
 * A text as a copy of its own. A piece that was cut out of a text may keep the whole of it in memory, and the pieces of a growing answer stay
 * on the page as they first came: each would keep the answer as it was then.
 */
export function ownText(text: string): string {
  return ` ${text}`.slice(1)
}
