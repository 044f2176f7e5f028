/** Sentences with fewer words say too little to be compared. */
const leastWords = 5
/** A sentence is compared with so many before it. */
const comparedSentences = 24
/** It repeats one of them when this share of its neighbouring words are neighbours there as well. */
const sameShare = 0.75
/** So many sentences in a row, of so many words together, are sure to go round in circles. */
const enoughSentences = 12
const enoughWords = 200
/** Unless so many of their words are new: then they follow a template. */
const mostNewShare = 1 / 40
/** A word is new when it did not come up for so many words. */
const memoryWords = 800
const longestSentence = 1200

type Sentence = { readonly from: number; readonly pairs: ReadonlySet<string> }

/** Finds one sentence after the other that says what sentences before it said, in nearly the same words. Code and data are not looked at. */
export class NearRepeats {
  #length = 0
  #sentence = ''
  #from = 0
  #before: Sentence[] = []
  /** When each word came up last, counted in words. */
  readonly #words = new Map<string, number>()
  #wordCount = 0
  /** The sentences in a row that repeat. */
  #run = { from: 0, unit: '', sentences: 0, words: 0, newWords: 0 }

  /** Takes one UTF-16 code; where the repetition began, and what is repeated, once it is sure. */
  take(code: number, { isInCode }: { readonly isInCode: boolean }): { from: number; unit: string } | null {
    const at = this.#length++
    if (isInCode) {
      this.#sentence = ''
      this.#endRun()
      return null
    }
    const character = String.fromCharCode(code)
    if (this.#sentence === '') {
      if (/\s/.test(character)) return null
      this.#from = at
    }
    const isOver =
      character === '\n' ||
      /[。！？]/.test(character) ||
      (character === ' ' && /[.!?…]["”’)]?$/.test(this.#sentence) && !/^\d+\.$/.test(this.#sentence))
    if (!isOver && this.#sentence.length < longestSentence) {
      this.#sentence += character
      return null
    }
    const text = this.#sentence
    this.#sentence = ''
    return this.#compare(text)
  }

  #compare(text: string): { from: number; unit: string } | null {
    const words = wordsOf(text)
    if (words.length < leastWords) return null
    const newWords = words.filter((word) => this.#isNew(word)).length
    const pairs = new Set(words.slice(1).map((word, at) => `${words[at] ?? ''} ${word}`))
    const like = isData(text)
      ? undefined
      : this.#before.find((each) => shareIn(pairs, each.pairs) >= sameShare)
    this.#before = [...this.#before.slice(1 - comparedSentences), { from: this.#from, pairs }]
    if (!like) {
      this.#endRun()
      return null
    }
    const run = this.#run
    if (run.sentences === 0) Object.assign(run, { from: this.#from, unit: text })
    run.sentences++
    run.words += words.length
    run.newWords += newWords
    const isSure = run.sentences >= enoughSentences && run.words >= enoughWords
    if (!isSure || run.newWords > run.words * mostNewShare) return null
    return { from: run.from, unit: run.unit }
  }

  #endRun(): void {
    this.#run.sentences = this.#run.words = this.#run.newWords = 0
  }

  #isNew(word: string): boolean {
    const before = this.#words.get(word)
    this.#words.set(word, this.#wordCount++)
    if (this.#words.size > 2 * memoryWords)
      for (const [each, at] of this.#words) if (this.#wordCount - at > memoryWords) this.#words.delete(each)
    return before === undefined || this.#wordCount - before > memoryWords
  }
}

/** Whether a text is made of marks and numbers rather than of words. */
export function isData(text: string): boolean {
  if (/[|{}[\];=<>]/.test(text)) return true
  const words = text.match(/[\p{L}\p{M}\s]/gu)?.length ?? 0
  return words < 0.75 * [...text.matchAll(/./gsu)].length
}

/** Words in lower case, without the numbers of a list; each character of a script that writes none apart. */
function wordsOf(text: string): readonly string[] {
  const said = text.toLowerCase().replace(/^\s*(\d+[.)]|[-*+•])\s+/u, '')
  return said.match(/[\p{sc=Han}\p{sc=Hiragana}\p{sc=Katakana}\p{sc=Thai}]|[\p{L}\p{N}]+/gu) ?? []
}

function shareIn(pairs: ReadonlySet<string>, others: ReadonlySet<string>): number {
  let same = 0
  for (const pair of pairs) if (others.has(pair)) same++
  return pairs.size === 0 ? 0 : same / pairs.size
}
