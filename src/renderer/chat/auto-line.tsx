import type { LibraryModel } from '../../contract/model.ts'
import { usePreview } from '../library/use-preview.ts'
import { attempt, host, showDialog, useApp } from '../store.ts'
import { Button } from '../ui/button.tsx'
import { autoOutlook, type AutoOutlook } from './auto-choice.ts'
import styles from './cost-line.module.css'
import { describeCost } from './load-cost.ts'
import { describeState, type Residency } from './next-model.ts'
import { useNextModel } from './use-next-model.ts'

/** What is known of the next turn with Auto before it is sent: who sorts the message, and who answers where nobody can. */
export function AutoLine({ fallback }: { readonly fallback: LibraryModel }) {
  const { models, residency } = useNextModel()
  const routerId = useApp(({ settings }) => settings?.routerId ?? null)
  const isConnected = useApp(({ connection }) => connection === 'open')
  const outlook = autoOutlook({ models, residency, routerId })
  const { words, help } = describeOutlook(outlook, { fallbackName: fallback.name })
  return (
    <div className={styles['cost']} data-cost={isConnected ? undefined : 'lost'}>
      <p role="status">
        {!isConnected ? (
          'No connection to the host: what you write is kept, and can be sent when it is back'
        ) : outlook.kind === 'router' ? (
          <RouterWords router={outlook.router} state={residency[outlook.router.id]} />
        ) : (
          words
        )}
      </p>
      {isConnected && help !== null && (
        <>
          <p>{help}</p>
          {outlook.kind === 'router-absent' ? (
            <Button icon="load" onClick={() => void loadModel(outlook.router.id)}>
              {`Load ${outlook.router.name}`}
            </Button>
          ) : (
            <Button icon="library" onClick={() => showDialog('library')}>
              Open the library
            </Button>
          )}
        </>
      )}
    </div>
  )
}

async function loadModel(id: string): Promise<void> {
  await attempt(() => host().models.load({ id }))
}

function RouterWords({
  router,
  state,
}: {
  readonly router: LibraryModel
  readonly state: Residency[string] | undefined
}) {
  const isAbsent = state === undefined || state === 'failed'
  const cost = describeCost(usePreview(isAbsent ? router.id : null))
  return routerText(router.name, { state, costText: isAbsent ? (cost?.text ?? null) : null })
}

/** Who sorts the message, and what is not known before that. Pure. */
export function routerText(
  name: string,
  { state, costText }: { readonly state: Residency[string] | undefined; readonly costText: string | null },
): string {
  const unknown = 'who answers, and what that costs, is known then'
  if (state === 'ready' || state === 'busy') return `${name} sorts the message; ${unknown}`
  return `${name} sorts the message, and loads first: ${costText ?? describeState(state)}; ${unknown}`
}

/** What keeps Auto from choosing, who answers then, and what would help. Pure. */
export function describeOutlook(
  outlook: AutoOutlook,
  { fallbackName }: { readonly fallbackName: string },
): { readonly words: string | null; readonly help: string | null } {
  switch (outlook.kind) {
    case 'router':
      return { words: null, help: null }
    case 'router-absent':
      return {
        words: `${outlook.router.name}, which sorts messages, is not in memory: ${fallbackName} answers`,
        help: 'One that the settings name as the router is loaded when it is needed.',
      }
    case 'no-router':
      return {
        words: `No model here sorts messages: ${fallbackName} answers`,
        help: 'For Auto to choose, give a small model the role “Sorts requests” in the library, or name a router in the settings.',
      }
    case 'few-labels': {
      const found = outlook.label === null ? 'no labels' : `only one label, “${outlook.label}”`
      return {
        words: `The models here have ${found}: ${fallbackName} answers`,
        help: 'For Auto to choose, say in the library what each model is for, such as “code” or “chat”.',
      }
    }
    default:
      return outlook satisfies never
  }
}
