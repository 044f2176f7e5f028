/** All files of a model, from the first: `name-00001-of-00003.gguf` stands for three. */
export function splitPaths(path: string): string[] {
  const match = /^(.*)-(\d{5})-of-(\d{5})\.gguf$/.exec(path)
  const [, stem = '', , count = ''] = match ?? []
  if (!match || Number(count) === 0) return [path]
  return Array.from(
    { length: Number(count) },
    (_, index) => `${stem}-${String(index + 1).padStart(5, '0')}-of-${count}.gguf`,
  )
}
