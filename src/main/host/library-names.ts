import type { LibraryModel, ModelFacts } from '../../contract/model.ts'
import { modelFilesOf } from './model-files.ts'

/** A readable id for a new entry, made from its file's name and free among `models`. */
export function freeId(stem: string, models: readonly LibraryModel[]): string {
  const slug =
    stem
      .normalize('NFKD')
      .toLowerCase()
      .replaceAll(/[^a-z0-9._]+/g, '-')
      .replaceAll(/^[-.]+|[-.]+$/g, '')
      .slice(0, 100) || 'model'
  const taken = new Set(models.map(({ id }) => id))
  if (!taken.has(slug)) return slug
  for (let number = 2; ; number++) {
    const id = `${slug}-${String(number)}`
    if (!taken.has(id)) return id
  }
}

/** The first colour of the palette that none of `models` has. */
export function freeColour(models: readonly LibraryModel[]): number {
  const taken = new Set(models.map(({ colour }) => colour))
  for (let colour = 0; ; colour++) if (!taken.has(colour)) return colour
}

/** What a model is called: what its file calls itself; with its quantization where another of `models` is called the same. */
export function freeName(
  model: LibraryModel,
  { facts, models }: { facts: Pick<ModelFacts, 'title' | 'quantization'>; models: readonly LibraryModel[] },
): string {
  const { stem } = modelFilesOf(model.paths[0] ?? '')
  const title = (model.source === 'demo' ? facts.title?.replace(/^Demo /, '') : facts.title) ?? stem
  const taken = new Set(models.filter(({ id }) => id !== model.id).map(({ name }) => name))
  const names = [title, `${title} ${facts.quantization}`, stem, `${stem} (${model.id})`]
  return names.find((name) => !taken.has(name)) ?? title
}

/** The facts of a demo model, which say what it is. */
export function describeDemo(facts: ModelFacts): ModelFacts {
  return {
    ...facts,
    description: [facts.description, 'A tiny model, for trying the app.'].filter(Boolean).join(' '),
  }
}
