/** A name of ours as files write it: `repeatWindowTokens` is `repeat_window_tokens`. */
export type SnakeCase<Name extends string> = Name extends `${infer First}${infer Rest}`
  ? `${First extends Lowercase<First> ? First : `_${Lowercase<First>}`}${SnakeCase<Rest>}`
  : Name

/** The same values under the names that files use. */
export type SnakeShape<Shape> = { [Key in keyof Shape as SnakeCase<Key & string>]: Shape[Key] }

/** `repeat_window_tokens` for `repeatWindowTokens`. */
export function snakeCase(name: string): string {
  return name.replaceAll(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`)
}

/** An object with its keys as files write them; values stay. */
export function snakeShape<Shape extends object>(shape: Shape): SnakeShape<Shape> {
  // The type says of each key what `snakeCase` does with it.
  return Object.fromEntries(
    Object.entries(shape).map(([name, value]) => [snakeCase(name), value]),
  ) as SnakeShape<Shape>
}

/** The way back, for the names of `shape`: values of `from` under our own names, as far as they are there. */
export function fromSnakeShape(
  shape: object,
  from: Readonly<Record<string, unknown>>,
): Record<string, unknown> {
  return Object.fromEntries(
    Object.keys(shape)
      .map((name) => [name, from[snakeCase(name)]] as const)
      .filter(([, value]) => value !== undefined),
  )
}
