import { isAlias, isMap, isScalar, isSeq, LineCounter, parseDocument, type YAMLError } from 'yaml'
import { maxPipelineCharacters } from '../../contract/pipeline-limits.ts'
import type { PipelineFinding } from '../../contract/pipeline-report.ts'
import { writePath, type KeyPath } from '../core/pipeline-finding.ts'

/** A YAML text as plain data, and where each key and value stands. */
export type YamlText = {
  readonly data: unknown
  /** What is wrong with it as YAML; then `data` is not to be trusted. */
  readonly findings: readonly PipelineFinding[]
  /** Where the key, or the value, of a path stands; of one that is not there, its group. */
  readonly placeOf: (path: KeyPath, on: 'key' | 'value') => Place
}
type Place = { readonly line: number; readonly column: number }

/** Deeper than any pipeline, and than what an alias to its own group could reach. */
const deepest = 16
/** More values than this, aliases followed, and the text is no pipeline. */
const mostValues = 50_000
/** After the first errors of the syntax the rest say little. */
const mostErrors = 10

/**
 * Reads YAML that may come from anywhere: no tags, no merge keys, aliases within limits, and each duplicate key found. Takes a few
 * seconds at most, for whatever text of the greatest length. Does not throw.
 */
export function readYaml(text: string): YamlText {
  const lines = new LineCounter()
  const place = (offset: number): Place => {
    const { line, col } = lines.linePos(offset)
    return { line: Math.max(1, line), column: Math.max(1, col) }
  }
  const start = { line: 1, column: 1 }
  const failed = (findings: readonly PipelineFinding[]): YamlText => ({
    ...{ data: null, findings, placeOf: () => start },
  })
  if (text.length > maxPipelineCharacters)
    return failed([
      yamlError(start, 'The file is too long to be a pipeline', {
        expected: `at most ${maxPipelineCharacters.toLocaleString('en')} characters`,
      }),
    ])
  if (text.includes('\0'))
    return failed([
      yamlError(start, 'The file is no text', {
        expected: 'a YAML file',
        help: 'A GGUF file is added as a model',
      }),
    ])
  // Keys that come twice are found below: the library compares each with all.
  const document = parseDocument(text, { lineCounter: lines, uniqueKeys: false, prettyErrors: false })
  const wrong = [...document.errors, ...document.warnings]
  if (wrong.length > 0) return failed(wrong.slice(0, mostErrors).map((error) => syntaxError(error, place)))

  const reader = new NodeReader(place)
  const data = reader.read(document.contents, [], 0)
  return {
    data,
    findings: reader.findings,
    placeOf(path, on) {
      for (let length = path.length; length >= 0; length--) {
        const known = reader.places.get(writePath(path.slice(0, length)))
        // What is not there is looked for in its group, whose first key is where that begins.
        if (known) return length === path.length && on === 'key' ? known.key : known.value
      }
      return start
    },
  }
}

class NodeReader {
  readonly findings: PipelineFinding[] = []
  readonly places = new Map<string, { readonly key: Place; readonly value: Place }>()
  readonly #place: (offset: number) => Place
  readonly #anchors = new Map<string, unknown>()
  #values = 0
  #isTooMuch = false

  constructor(place: (offset: number) => Place) {
    this.#place = place
  }

  /** The plain data of a node. Written as a walk of its own, because the library's follows aliases first and counts later. */
  read(node: unknown, path: KeyPath, depth: number, key?: Place): unknown {
    const at = this.#placeOf(node) ?? key ?? { line: 1, column: 1 }
    if (!this.#isTooMuch && (depth > deepest || ++this.#values > mostValues)) {
      this.#isTooMuch = true
      const what = depth > deepest ? 'is nested too deeply' : 'holds too many values'
      this.findings.push(
        yamlError(at, `The file ${what} to be a pipeline`, { help: 'Write out what aliases stand for' }),
      )
    }
    if (this.#isTooMuch) return null
    // A number or a text is found where it stands, also when an alias has led there.
    this.places.set(writePath(path), { key: key ?? at, value: at })
    if (isAlias(node)) return this.#readAlias(node.source, { at, path, depth, key })
    if (hasAnchor(node)) this.#anchors.set(node.anchor, node)
    if (isMap(node)) return this.#readMap(node.items, path, depth)
    if (isSeq(node)) return node.items.map((item, index) => this.read(item, [...path, index], depth + 1))
    if (!isScalar(node)) return null
    return typeof node.value === 'bigint' ? Number(node.value) : node.value
  }

  #readAlias(
    name: string,
    { at, path, depth, key }: { at: Place; path: KeyPath; depth: number; key: Place | undefined },
  ): unknown {
    const target = this.#anchors.get(name)
    if (target !== undefined) return this.read(target, path, depth + 1, key)
    this.findings.push(
      yamlError(at, `"*${name}" stands for nothing`, { expected: `an "&${name}" before it` }),
    )
    return null
  }

  #readMap(items: readonly { key: unknown; value: unknown }[], path: KeyPath, depth: number): unknown {
    const data = new Map<string, unknown>()
    for (const { key: keyNode, value } of items) {
      const at = this.#placeOf(keyNode) ?? { line: 1, column: 1 }
      const name = isScalar(keyNode) && typeof keyNode.value === 'string' ? keyNode.value : null
      if (name === null || name === '__proto__' || name === '<<') {
        this.findings.push(
          yamlError(at, name === null ? 'A key is no plain text' : `"${name}" cannot be a key`, {
            expected: 'a key, then ": " and its value',
          }),
        )
        continue
      }
      const first = this.places.get(writePath([...path, name]))?.key
      if (data.has(name) && first) {
        this.findings.push(
          yamlError(at, `"${name}" comes twice`, {
            ...{ path: writePath([...path, name]), help: `Keep this one or the one in line ${first.line}` },
          }),
        )
        continue
      }
      data.set(name, this.read(value, [...path, name], depth + 1, at))
    }
    return Object.fromEntries(data)
  }

  #placeOf(node: unknown): Place | null {
    if (typeof node !== 'object' || node === null || !('range' in node) || !Array.isArray(node.range))
      return null
    const offset: unknown = node.range[0]
    return typeof offset === 'number' ? this.#place(offset) : null
  }
}

function hasAnchor(node: unknown): node is { readonly anchor: string } {
  return typeof node === 'object' && node !== null && 'anchor' in node && typeof node.anchor === 'string'
}

function yamlError(
  { line, column }: Place,
  message: string,
  more: { readonly path?: string; readonly expected?: string; readonly help?: string },
): PipelineFinding {
  return { severity: 'error', line, column, path: '', message, ...more }
}

function syntaxError(error: YAMLError, place: (offset: number) => Place): PipelineFinding {
  const at = place(error.pos[0])
  const known = syntaxErrors[error.code]
  const own = firstSentence(error.message)
  if (known) return yamlError(at, ...known)
  return yamlError(at, `This is not YAML: ${own}`, {
    help: 'A key is followed by ": ", a list item begins with "- "',
  })
}

type Words = readonly [message: string, more: { readonly expected?: string; readonly help?: string }]
const syntaxErrors: Readonly<Partial<Record<YAMLError['code'], Words>>> = {
  TAB_AS_INDENT: [
    'A tab stands where the line is indented',
    { expected: 'spaces', help: 'Replace the tab by two spaces' },
  ],
  BAD_INDENT: [
    'The line is indented otherwise than those beside it',
    { expected: 'the same number of spaces as the lines of the same group' },
  ],
  MISSING_CHAR: [
    'Something that was opened before is not closed, or ": " is missing',
    { expected: 'a closing quote or bracket, or ": " after a key' },
  ],
  MULTIPLE_DOCS: [
    'A second document begins here',
    { expected: 'one pipeline a file', help: 'Take the line "---" out, or make it two files' },
  ],
  RESOURCE_EXHAUSTION: ['The file is nested too deeply to be a pipeline', {}],
  TAG_RESOLVE_FAILED: [
    'A tag ("!") stands before a value',
    { expected: 'plain values', help: 'Take the tag out, or put a text that begins with "!" in quotes' },
  ],
}

/** The library's own words, without the excerpt of the text. */
function firstSentence(message: string): string {
  return message.split(/ at line \d/)[0]?.split('\n')[0] ?? message
}
