const storageKey = 'plenum.pool.view'
const pictures = ['machine', 'models', 'table'] as const

/** What the pool shows: all of the machine's memory, only the models, or the numbers as a table. */
export type PoolPicture = (typeof pictures)[number]

/** What was shown last; null until it was chosen. */
export function rememberedPicture(): PoolPicture | null {
  // Where there is no page there is nothing kept, as in a test of the store alone.
  const kept = typeof localStorage === 'undefined' ? null : localStorage.getItem(storageKey)
  return pictures.find((picture) => picture === kept) ?? null
}

/** Remembers what is shown. */
export function keepPicture(picture: PoolPicture): void {
  localStorage.setItem(storageKey, picture)
}
