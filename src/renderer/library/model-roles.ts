import type { LibraryModel } from '../../contract/model.ts'
import { requestLabelSchema, type ModelRole, type RequestLabel } from '../../contract/routing.ts'

/** So many labels a role takes; so many examples a label. */
export const mostLabels = 16
const mostExamples = 10

/** What a model is for while nothing was said: nothing. */
export const noRole: ModelRole = { labels: [], routes: false, verifies: false }

/** A role in a few words: "code, math · sorts requests"; "None" when it says nothing. Pure. */
export function roleText({ labels, routes, verifies }: ModelRole): string {
  const parts = [
    ...(labels.length === 0 ? [] : [labels.map(({ name }) => name).join(', ')]),
    ...(routes ? ['sorts requests'] : []),
    ...(verifies ? ['checks answers'] : []),
  ]
  return parts.length === 0 ? 'None' : parts.join(' · ')
}

/** What is to be kept of a role: null for one that says nothing. Pure. */
export function keptRole(role: ModelRole): ModelRole | null {
  return roleText(role) === roleText(noRole) ? null : role
}

/** The fields of a label as they are typed. */
export type LabelDraft = { readonly name: string; readonly description: string; readonly examples: string }

/** A label as its fields show it, an example a line. Pure. */
export function draftOf({ name, description = '', examples = [] }: RequestLabel): LabelDraft {
  return { name, description, examples: examples.join('\n') }
}

/** The label that was typed, or what is wrong with it, in words for beside the field. Pure. */
export function readLabel(
  draft: LabelDraft,
  { otherNames }: { readonly otherNames: readonly string[] },
): { readonly label: RequestLabel } | { readonly error: string } {
  const name = draft.name.trim()
  const description = draft.description.trim()
  const examples = draft.examples
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '')
  if (name === '') return { error: 'A label has a name' }
  if (otherNames.some((other) => other.toLowerCase() === name.toLowerCase()))
    return { error: `There is a label “${name}” already` }
  if (examples.length > mostExamples) return { error: `Takes at most ${String(mostExamples)} examples` }
  const parsed = requestLabelSchema.safeParse({
    name,
    ...(description !== '' && { description }),
    ...(examples.length > 0 && { examples }),
  })
  if (parsed.success) return { label: parsed.data }
  const [issue] = parsed.error.issues
  const field = issue?.path[0]
  if (field === 'name') return { error: `The name ${issue?.message ?? ''}` }
  if (field === 'examples') return { error: 'An example takes at most 1,000 characters' }
  return { error: 'The description takes at most 500 characters' }
}

/** The labels of all models, each name once, to choose from: the same name is the same label. Pure. */
export function knownLabelNames(models: readonly LibraryModel[]): readonly string[] {
  const names = models.flatMap(({ role }) => role?.labels.map(({ name }) => name) ?? [])
  return [...new Set(names)].toSorted((one, other) => one.localeCompare(other))
}
