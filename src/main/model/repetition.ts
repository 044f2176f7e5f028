import { isData, NearRepeats } from './near-repeats.ts'

/** That a text goes round in circles: where the repetition began, as an index of the text (UTF-16), and what is repeated. */
export type Repetition = { readonly kind: 'exact' | 'near'; readonly from: number; readonly unit: string }

/** So many characters are remembered; what is repeated can be a quarter of it. */
const windowLength = 16_384
/** A text that comes again is found by so many characters of it. */
const keyLength = 16
/** Places of keys; a power of two. A place that is taken over only delays the finding. */
const tableSize = 32_768

/**
 * Watches a text that grows for repetition without end, as small models fall into it. Pure; bounded memory, and about the same work for each character.
 * 1. Exact: the text ends with the same characters over and over, often enough that nobody would have asked for it: see `enough`.
 * 2. Near: one sentence after the other says what sentences before it said, in nearly the same words: see `NearRepeats`.
 * Rules of tables, data with equal rows, refrains and templates with new words in each line are no repetition.
 */
export class RepetitionWatch {
  readonly #near = new NearRepeats()
  /** The last characters, as codes; those after `length` are of before. */
  readonly #codes = new Uint16Array(windowLength)
  /** Where the last characters that hash to a place ended, plus one. */
  readonly #places = new Int32Array(tableSize)
  #length = 0
  #hash = 0
  /** The text now repeats what is so many characters before; 0: it does not. */
  #period = 0
  /** For so many characters. */
  #run = 0
  #fence = new FenceWatch()

  /** Takes what was written; the repetition that it has come to, once it is sure. */
  push(text: string): Repetition | null {
    for (let at = 0; at < text.length; at++) {
      const code = text.charCodeAt(at)
      this.#take(code)
      this.#fence.take(code)
      const found = this.#exact() ?? this.#nearAfter(code)
      if (found) return found
    }
    return null
  }

  #take(code: number): void {
    const at = this.#length++
    const oldest = at >= keyLength ? this.#codeAt(at - keyLength) : 0
    this.#codes[at % windowLength] = code
    this.#hash = (Math.imul(this.#hash, hashBase) + code - Math.imul(oldest, hashOfOldest)) | 0
    if (this.#period > 0 && this.#codeAt(at - this.#period) === code) this.#run++
    else this.#period = this.#run = 0
    if (at < keyLength) return
    const place = Math.imul(this.#hash ^ (this.#hash >>> 15), 0x2c1b3c6d) >>> 17
    const before = (this.#places[place] ?? 0) - 1
    if (this.#period === 0 && before >= 0 && this.#isSame(before, at)) {
      this.#period = at - before
      this.#run = keyLength
    }
    this.#places[place] = at + 1
  }

  /** Whether the same key ends at two places, of which the first is not forgotten. */
  #isSame(before: number, at: number): boolean {
    if (at - before > windowLength / 4) return false
    for (let back = 0; back < keyLength; back++)
      if (this.#codeAt(before - back) !== this.#codeAt(at - back)) return false
    return true
  }

  #codeAt(at: number): number {
    return this.#codes[((at % windowLength) + windowLength) % windowLength] ?? 0
  }

  #exact(): Repetition | null {
    const period = this.#period
    // Looked at once each time round, and often enough within long units.
    if (period === 0 || this.#run < leastRun || this.#run % Math.min(period, 64) !== 0) return null
    const unit = this.#text(this.#length - period, this.#length)
    if (this.#run < enough(unit, { isInCode: this.#fence.isInCode })) return null
    const second = this.#length - this.#run
    const from = second + beginningIn(this.#text(second, second + period))
    return { kind: 'exact', from, unit: this.#text(from, from + period) }
  }

  #nearAfter(code: number): Repetition | null {
    const near = this.#near.take(code, { isInCode: this.#fence.isInCode })
    return near && { kind: 'near', ...near }
  }

  /** A part of the text; as far as it is remembered. */
  #text(from: number, to: number): string {
    const codes: number[] = []
    for (let at = Math.max(from, this.#length - windowLength); at < to; at++) codes.push(this.#codeAt(at))
    return String.fromCharCode(...codes)
  }
}

const hashBase = 16_777_619
const hashOfOldest = Array.from({ length: keyLength }).reduce<number>(
  (power) => Math.imul(power, hashBase),
  1,
)

const leastRun = 240

/**
 * How many characters must repeat what was before them until it is sure that this does not end. Prose is repeated a few times on purpose at most (a
 * chorus, a mantra); data is many times (equal rows, zeros, rules of tables).
 */
function enough(unit: string, { isInCode }: { readonly isInCode: boolean }): number {
  if (unit.trim() === '') return 400
  if (isInCode || isData(unit)) return Math.min(windowLength - unit.length, Math.max(3000, 40 * unit.length))
  return unit.length < 8 ? 800 : Math.max(480, 4 * unit.length)
}

/** Where a sentence or else a word begins in a text that is followed by itself: it may have been found in the middle of one. */
function beginningIn(unit: string): number {
  const last = unit.at(-1) ?? ''
  const places = [/(?<=\n)\S/, /(?<=[.!?]\s+)\S/, /(?<=\s)\S/]
  for (const place of places) {
    const at = `${last}${unit}`.search(place)
    if (at > 0) return at - 1
  }
  return 0
}

/** Whether a Markdown text is within a fenced block. */
class FenceWatch {
  isInCode = false
  /** Marks at the beginning of this line; −1 once there was something else. */
  #marks = 0
  #mark = 0

  take(code: number): void {
    if (code === newline) {
      this.#marks = 0
      return
    }
    if (this.#marks < 0 || (code === space && this.#marks === 0)) return
    if (code !== backtick && code !== tilde) {
      this.#marks = -1
      return
    }
    this.#marks = this.#marks > 0 && code !== this.#mark ? -1 : this.#marks + 1
    this.#mark = code
    if (this.#marks !== 3) return
    this.isInCode = !this.isInCode
    this.#marks = -1
  }
}

const newline = 10
const space = 32
const backtick = 96
const tilde = 126
