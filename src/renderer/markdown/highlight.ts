import type { createLowlight } from 'lowlight'
import { loadLanguage } from './code-languages.ts'
import { ownText } from './own-text.ts'

/** A piece of a line of code: its text and what it is, as a class of code-block.module.css; null for plain text. */
export type CodeToken = { readonly text: string; readonly kind: CodeKind | null }
export type CodeLine = readonly CodeToken[]
export type CodeKind = 'keyword' | 'name' | 'string' | 'number' | 'comment' | 'type' | 'added' | 'removed'

/** Highlights code of one language, in lines. */
export type Highlight = (code: string) => readonly CodeLine[]

/** More than this stays plain: it would keep the page busy for longer than anybody wants to wait. */
export const highlightedCharacters = 40_000
const lineCharacters = 2000

/** Whether a block is small enough to be highlighted. */
export function mayHighlight(code: string): boolean {
  return (
    code.length <= highlightedCharacters && !code.split('\n').some((line) => line.length > lineCharacters)
  )
}

type Lowlight = ReturnType<typeof createLowlight>

/** Grammars are fetched once; who asks again gets the same. */
const loading = new Map<string, Promise<Highlight>>()
const loaded = new Map<string, Highlight>()
const shared: { lowlight?: Promise<Lowlight> } = {}

/** The highlighter of a known language if it is there; `loadHighlight` fetches it. */
export function loadedHighlight(language: string): Highlight | null {
  return loaded.get(language) ?? null
}

/** Fetches what highlights a known language. Rejects when the page's files are not there; the next call tries again. */
export async function loadHighlight(language: string): Promise<Highlight> {
  const known = loading.get(language)
  if (known) return known
  const load = fetchHighlight(language)
  loading.set(language, load)
  load.catch(() => loading.delete(language))
  return load
}

async function fetchHighlight(language: string): Promise<Highlight> {
  shared.lowlight ??= import('lowlight').then(({ createLowlight }) => createLowlight())
  const [lowlight, grammar] = await Promise.all([shared.lowlight, loadLanguage(language)])
  lowlight.register(language, grammar)
  const highlight: Highlight = (code) => toLines(lowlight.highlight(language, code))
  loaded.set(language, highlight)
  return highlight
}

type Tree = ReturnType<Lowlight['highlight']>
type Node = Tree['children'][number]

/** The tree of scopes as lines of tokens. */
function toLines(tree: Tree): readonly CodeLine[] {
  const lines: CodeToken[][] = [[]]
  const walk = (nodes: readonly Node[], kind: CodeKind | null) => {
    for (const node of nodes) {
      if (node.type === 'element') {
        const classes = node.properties.className
        walk(node.children, kindOf(Array.isArray(classes) ? classes : []) ?? kind)
      } else if (node.type === 'text') {
        for (const [index, text] of node.value.split('\n').entries()) {
          if (index > 0) lines.push([])
          if (text !== '') lines.at(-1)?.push({ text: ownText(text), kind })
        }
      }
    }
  }
  walk(tree.children, null)
  return lines
}

/** highlight.js's scopes (https://highlightjs.readthedocs.io/en/latest/css-classes-reference.html) in the few colours that the page has. */
const kinds: Readonly<Record<string, CodeKind>> = {
  ...{
    keyword: 'keyword',
    literal: 'keyword',
    operator: 'keyword',
    'selector-tag': 'keyword',
    section: 'keyword',
  },
  ...{
    string: 'string',
    regexp: 'string',
    char: 'string',
    quote: 'comment',
    comment: 'comment',
    doctag: 'comment',
  },
  ...{
    number: 'number',
    symbol: 'number',
    bullet: 'number',
    link: 'string',
    meta: 'comment',
    code: 'string',
  },
  ...{ title: 'name', name: 'keyword', attr: 'name', attribute: 'name', property: 'name', variable: 'name' },
  ...{ 'selector-class': 'name', 'selector-id': 'name', 'template-variable': 'name', params: 'name' },
  ...{
    type: 'type',
    built_in: 'type',
    class: 'type',
    tag: 'keyword',
    addition: 'added',
    deletion: 'removed',
  },
}

function kindOf(classes: readonly (string | number)[]): CodeKind | null {
  const [scope = '', ...more] = classes.map(String)
  const name = scope.replace('hljs-', '')
  if (name === 'title' && more.includes('class_')) return 'type'
  // Parameters hold their own tokens; their plain text stays plain.
  if (name === 'params' || name === 'subst') return null
  return kinds[name] ?? null
}
