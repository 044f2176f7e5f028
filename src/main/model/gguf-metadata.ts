import type { GgufValue } from './gguf-header.ts'
import { badModelFile } from './model-file.ts'

/** Typed reading of a file's metadata; what has the wrong form is refused with `BAD_MODEL_FILE`. */
export class GgufMetadata {
  readonly path: string
  readonly architecture: string
  readonly #values: ReadonlyMap<string, GgufValue>

  constructor(path: string, values: ReadonlyMap<string, GgufValue>) {
    this.path = path
    this.#values = values
    this.architecture = this.text('general.architecture') ?? ''
  }

  refuse(fact: string, help?: string): Error {
    return badModelFile(this.path, fact, help === undefined ? {} : { help })
  }

  get(key: string): GgufValue | undefined {
    return this.#values.get(key)
  }

  /** A string that is not blank, or null. */
  text(key: string): string | null {
    const value = this.#values.get(key)
    if (value?.kind !== 'string' || value.text === null) return null
    const text = value.text.trim()
    return text === '' ? null : text
  }

  /** A whole number that is not negative, or null when there is none. Keys that begin with a dot are the architecture's. */
  count(key: string): number | null {
    const name = this.#name(key)
    const value = this.#values.get(name)
    if (value === undefined) return null
    if (value.kind !== 'scalar' || typeof value.value !== 'number') return null
    return this.#checkCount(name, value.value)
  }

  /** A count that has to be there and be at least 1. */
  requiredCount(key: string): number {
    const count = this.count(key)
    if (count === null) throw this.refuse(`it does not say its "${this.#name(key)}"`, incompleteHelp)
    if (count === 0) throw this.refuse(`its "${this.#name(key)}" is 0`, incompleteHelp)
    return count
  }

  /** One count a layer: a number for all, or a list with an entry for each of `layers`. Null when the key is not there. */
  perLayer(key: string, layers: number): readonly number[] | null {
    const name = this.#name(key)
    const value = this.#values.get(name)
    if (value === undefined) return null
    if (value.kind === 'scalar')
      return Array<number>(layers).fill(this.#checkCount(name, Number(value.value)))
    if (value.kind !== 'array' || value.numbers === null)
      throw this.refuse(`its "${name}" is no number and no list of numbers`, incompleteHelp)
    if (value.count < layers)
      throw this.refuse(
        `its "${name}" has ${String(value.count)} entries for ${String(layers)} layers`,
        incompleteHelp,
      )
    return value.numbers.slice(0, layers).map((number) => this.#checkCount(name, number))
  }

  #name(key: string): string {
    return key.startsWith('.') ? `${this.architecture}${key}` : key
  }

  #checkCount(name: string, number: number): number {
    if (Number.isInteger(number) && number >= 0 && number < 2 ** 32) return number
    throw this.refuse(`its "${name}" is ${String(number)}`, incompleteHelp)
  }
}

const incompleteHelp = 'The file is damaged or was converted wrongly. Get another GGUF of this model.'
