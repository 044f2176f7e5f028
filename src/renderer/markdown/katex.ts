import type { KatexOptions } from 'katex'

/** Draws a formula as an element; null when it cannot be read. */
export type DrawFormula = (source: string, options: { readonly isDisplay: boolean }) => Node | null

const shared: { draw?: DrawFormula; loading?: Promise<DrawFormula> } = {}

/** A longer formula is shown as its source. */
const longest = 10_000

/** What draws formulas, if it is there; `loadFormulas` fetches it. */
export function loadedFormulas(): DrawFormula | null {
  return shared.draw ?? null
}

/** Fetches KaTeX and its styles, once. Rejects when the page's files are not there; the next call tries again. */
export async function loadFormulas(): Promise<DrawFormula> {
  shared.loading ??= fetchFormulas()
  try {
    return await shared.loading
  } catch (error) {
    delete shared.loading
    throw error
  }
}

async function fetchFormulas(): Promise<DrawFormula> {
  const [{ default: katex }] = await Promise.all([import('katex'), import('katex/dist/katex.min.css')])
  // The types leave it out: the tree from which KaTeX makes elements.
  const { __renderToDomTree: renderToTree } = katex as unknown as {
    readonly __renderToDomTree: (source: string, options: KatexOptions) => { readonly toNode: () => Node }
  }
  const draw: DrawFormula = (source, { isDisplay }) => {
    if (source.length > longest) return null
    try {
      const tree = renderToTree(source, {
        displayMode: isDisplay,
        throwOnError: true,
        strict: false,
        // Nothing that leads elsewhere or names files; a formula that asks for it is shown as its source.
        trust: () => {
          throw new Error('Not in a formula')
        },
        // A formula is no program: what expands without end stops here.
        maxExpand: 500,
        maxSize: 20,
        globalGroup: false,
        macros: {},
      })
      withoutStyleAttributes(tree)
      return tree.toNode()
    } catch {
      // What a model wrote; its source is shown.
      return null
    }
  }
  shared.draw = draw
  return draw
}

type Tree = { attributes?: Record<string, string>; children?: unknown[] }

/** KaTeX sets most styles one by one, which the page's policy allows, but some as an attribute, which it does not. Only MathML has these. */
function withoutStyleAttributes(tree: unknown): void {
  // KaTeX's tree: each node may have attributes and children, and nothing else of it is touched.
  const { attributes, children } = tree as Tree
  if (attributes?.['style'] !== undefined) delete attributes['style']
  for (const child of children ?? [])
    if (typeof child === 'object' && child !== null) withoutStyleAttributes(child)
}
