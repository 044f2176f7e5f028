/** The name that somebody meant who wrote another one; null when none is near. Case and separators do not count. Pure. */
export function closestName(written: string, names: readonly string[]): string | null {
  const wanted = bare(written)
  if (wanted === '' || written.length > 80) return null
  let best: { readonly name: string; readonly distance: number } | null = null
  for (const name of names) {
    const known = bare(name)
    // "reserve" for "reserve_gb": what is missing is the end.
    const isBegun =
      Math.min(wanted.length, known.length) >= 4 && (known.startsWith(wanted) || wanted.startsWith(known))
    const distance = isBegun ? 1 : editDistance(wanted, known)
    if (distance <= Math.max(1, Math.floor(wanted.length / 3)) && distance < (best?.distance ?? Infinity))
      best = { name, distance }
  }
  return best?.name ?? null
}

function bare(name: string): string {
  return name.toLowerCase().replaceAll(/[\s_.-]/g, '')
}

/** Letters to insert, take out or change (Levenshtein). */
function editDistance(from: string, to: string): number {
  let row = Array.from({ length: to.length + 1 }, (_, index) => index)
  for (let i = 1; i <= from.length; i++) {
    const next = [i]
    for (let j = 1; j <= to.length; j++) {
      const change = (row[j - 1] ?? 0) + (from[i - 1] === to[j - 1] ? 0 : 1)
      next.push(Math.min(change, (row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1))
    }
    row = next
  }
  return row[to.length] ?? 0
}
