/**
 * Reads a JSON text in the pieces in which it arrives, and gives the objects of its list as texts of their own: of a list at the top, or of
 * the list under `listKey` of an object at the top. So a file of hundreds of megabytes is never parsed at once. `rest` is the JSON
 * text around the list, with an empty list in its place. Looks only at what parts objects; whether they are JSON is for JSON.parse to say.
 */
export class JsonParts {
  readonly #listKey: string
  #rest = ''
  #part: string[] = []
  #depth = 0
  #list: 'before' | 'within' | 'after' = 'before'
  #listDepth = 0
  #isInString = false
  /** The next piece begins with a character that was escaped. */
  #skipsFirst = false
  /** Where in the rest the last string directly in the object at the top begins, and that string. */
  #keyAt = 0
  #key = ''
  #hasOthers = false

  constructor(listKey: string) {
    this.#listKey = listKey
  }

  /** What is around the list. */
  get rest(): string {
    return this.#rest
  }

  /** The text has ended where a JSON text may end. */
  get isWhole(): boolean {
    return this.#depth === 0 && !this.#isInString && this.#rest.trim() !== ''
  }

  /** Something other than objects is in the list. */
  get hasOthers(): boolean {
    return this.#hasOthers
  }

  /** Takes the next piece of the text; the objects that are whole with it. */
  push(piece: string): string[] {
    const parts: string[] = []
    let from = 0
    const take = (to: number) => {
      this.#keep(piece.slice(from, to))
      from = to
    }
    const boundary = /["\\{}[\]]/g
    boundary.lastIndex = this.#skipsFirst ? 1 : 0
    this.#skipsFirst = false
    for (let match = boundary.exec(piece); match; match = boundary.exec(piece)) {
      const at = match.index
      const [character] = match
      const isInRest = this.#list !== 'within'
      if (this.#isInString) {
        if (character === '\\') {
          boundary.lastIndex = at + 2
          this.#skipsFirst = at + 1 === piece.length
        } else if (character === '"') {
          this.#isInString = false
          if (isInRest && this.#depth === 1) {
            take(at + 1)
            this.#key = this.#rest.slice(this.#keyAt + 1, -1)
          }
        }
      } else if (character === '"') {
        this.#isInString = true
        if (isInRest && this.#depth === 1) {
          take(at)
          this.#keyAt = this.#rest.length
        }
      } else if (character === '{' || character === '[') {
        const isTop = this.#depth === 0 || (this.#depth === 1 && this.#key === this.#listKey)
        if (character === '[' && this.#list === 'before' && isTop) {
          take(at + 1)
          this.#list = 'within'
          this.#listDepth = this.#depth + 1
        } else if (!isInRest && this.#depth === this.#listDepth) take(at)
        this.#depth++
      } else if (character !== '\\') {
        if (!isInRest && this.#depth === this.#listDepth + 1) {
          take(at + 1)
          parts.push(this.#part.join(''))
          this.#part = []
        } else if (!isInRest && this.#depth === this.#listDepth) {
          take(at)
          this.#list = 'after'
        }
        this.#depth--
      }
    }
    take(piece.length)
    return parts
  }

  #keep(text: string): void {
    if (this.#list !== 'within') this.#rest += text
    else if (this.#depth > this.#listDepth) this.#part.push(text)
    else this.#hasOthers ||= /[^\s,]/.test(text)
  }
}
