import { useApp, type AppState } from './store.ts'

type Drafts = AppState['drafts']

const storageKey = 'plenum.drafts'
/** So long after the last key what was typed is kept. */
const quietMs = 300
/** Browsers keep five million letters of a page; one pasted book must not push out all else. */
const mostLetters = 200_000

/** Brings back what was typed and not sent when the page was last here, and keeps what is typed from now on. Ends when `signal` aborts. */
export function followDrafts(signal: AbortSignal): void {
  const kept = { drafts: readDrafts() }
  useApp.setState({ drafts: kept.drafts })
  let timer: ReturnType<typeof setTimeout> | undefined
  const keep = () => {
    clearTimeout(timer)
    const { drafts } = useApp.getState()
    if (drafts === kept.drafts) return
    writeDrafts(withChanges(readDrafts(), { from: kept.drafts, to: drafts }))
    kept.drafts = drafts
  }
  const unsubscribe = useApp.subscribe(({ drafts }) => {
    if (drafts === kept.drafts) return
    clearTimeout(timer)
    timer = setTimeout(keep, quietMs)
  })
  window.addEventListener('pagehide', keep, { signal })
  signal.addEventListener('abort', () => {
    unsubscribe()
    clearTimeout(timer)
  })
}

/** Drafts with what has changed in this page; another one may have kept its own meanwhile. */
function withChanges(drafts: Drafts, { from, to }: { readonly from: Drafts; readonly to: Drafts }): Drafts {
  const changed = [...new Set([...Object.keys(from), ...Object.keys(to)])].filter((id) => from[id] !== to[id])
  const others = Object.entries(drafts).filter(([id]) => !changed.includes(id))
  const own = changed.flatMap((id): [string, string][] => {
    const text = to[id]
    return text === undefined || text.length > mostLetters ? [] : [[id, text]]
  })
  return Object.fromEntries([...others, ...own])
}

function readDrafts(): Drafts {
  try {
    const kept: unknown = JSON.parse(localStorage.getItem(storageKey) ?? '{}')
    if (typeof kept !== 'object' || kept === null) return {}
    return Object.fromEntries(
      Object.entries(kept).filter((entry): entry is [string, string] => typeof entry[1] === 'string'),
    )
  } catch {
    return {}
  }
}

function writeDrafts(drafts: Drafts): void {
  try {
    localStorage.setItem(storageKey, JSON.stringify(drafts))
  } catch {
    // There is no room left: what is typed stays in the window.
  }
}
