import path from 'node:path'

/** One GGUF file, or all parts of a split one in order. */
export type ModelFiles = { readonly paths: readonly string[]; readonly stem: string }

const splitPattern = /^(.*)-(\d{5})-of-(\d{5})\.gguf$/i

/** Whether a file name is that of a GGUF file that is complete: not one that a browser or a tool still downloads. */
export function isGgufName(name: string): boolean {
  // macOS leaves "._" files of a few KB beside the real ones on foreign disks.
  return name.toLowerCase().endsWith('.gguf') && !name.startsWith('._')
}

/** The whole model that a file belongs to: `x-00002-of-00003.gguf` stands for three files. */
export function modelFilesOf(file: string): ModelFiles {
  const name = path.basename(file)
  const match = splitPattern.exec(name)
  const count = Number(match?.[3] ?? 0)
  if (!match || count === 0) return { paths: [file], stem: name.replace(/\.gguf$/i, '') }
  const [, stem = '', , total = ''] = match
  const extension = name.slice(name.lastIndexOf('.'))
  return {
    paths: Array.from({ length: count }, (_, index) =>
      path.join(path.dirname(file), `${stem}-${String(index + 1).padStart(5, '0')}-of-${total}${extension}`),
    ),
    stem,
  }
}

/** The models among files, each split one once. */
export function groupModelFiles(files: readonly string[]): readonly ModelFiles[] {
  const groups = new Map<string, ModelFiles>()
  for (const file of files) {
    const group = modelFilesOf(file)
    const [first = file] = group.paths
    if (!groups.has(first)) groups.set(first, group)
  }
  return [...groups.values()]
}

/**
 * The image projector that belongs to a model, out of those in its folder: by the words of the two names, and by how common its
 * precision is where there are several. One without words of its own ("mmproj-model-f16") belongs to every model beside it.
 */
export function chooseProjector(modelStem: string, projectors: readonly string[]): string | null {
  const modelWords = new Set(wordsOf(modelStem))
  const fitting = projectors.filter((file) =>
    ownWords(path.basename(file, path.extname(file))).every((word) => modelWords.has(word)),
  )
  const ranked = fitting.toSorted(
    (one, other) =>
      ownWords(path.basename(other, path.extname(other))).length -
        ownWords(path.basename(one, path.extname(one))).length ||
      precisionRank(one) - precisionRank(other) ||
      one.localeCompare(other),
  )
  return ranked[0] ?? null
}

/** What is remembered of a model that was taken out: its files; of a demo model its name, wherever the app lies. */
export function keysOfFiles(
  { paths, stem }: ModelFiles,
  { demoFolder }: { readonly demoFolder: string },
): readonly string[] {
  return isInside(paths[0] ?? '', demoFolder) ? [`demo:${stem}`] : paths
}

/** Whether a file is in a folder, at any depth. */
export function isInside(file: string, folder: string): boolean {
  const relative = path.relative(folder, file)
  return relative !== '' && !relative.startsWith('..') && !path.isAbsolute(relative)
}

const precisions = ['f16', 'bf16', 'q8', 'f32']

function precisionRank(file: string): number {
  const words = wordsOf(path.basename(file, path.extname(file)))
  const rank = precisions.findIndex((precision) => words.includes(precision))
  return rank === -1 ? precisions.length : rank
}

function wordsOf(name: string): readonly string[] {
  return name
    .toLowerCase()
    .split(/[^a-z0-9]+/)
    .filter((word) => word !== '')
}

/** Words that tell which model it is for: neither what it is nor how precise it is. */
function ownWords(name: string): readonly string[] {
  return wordsOf(name).filter(
    (word) => !['mmproj', 'model', 'gguf', 'vision', 'projector', '0', ...precisions].includes(word),
  )
}
