import { useApp } from './store.ts'

const storageKey = 'plenum.theme'

/**
 * Has the page in the colours that the settings name. What they named last is used until the host is there, so that nothing flashes.
 * Ends when `signal` aborts.
 */
export function followTheme(signal: AbortSignal): void {
  apply(localStorage.getItem(storageKey) ?? 'system')
  const unsubscribe = useApp.subscribe(({ settings }, before) => {
    if (!settings || settings.theme === before.settings?.theme) return
    localStorage.setItem(storageKey, settings.theme)
    apply(settings.theme)
  })
  signal.addEventListener('abort', unsubscribe)
}

/** theme.css knows the two by name; anything else is the system's choice. */
function apply(theme: string): void {
  document.documentElement.dataset['theme'] = theme
}
