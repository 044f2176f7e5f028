import { formatBytes } from '../../contract/bytes.ts'
import type { LibraryModel, ModelFacts, ModelSource } from '../../contract/model.ts'
import { FactList, type Fact } from '../ui/fact-list.tsx'
import { formatCount, formatParameters } from '../ui/format.ts'

/** Where a model comes from, in words. */
export const sourceNames: Readonly<Record<ModelSource, string>> = {
  demo: 'Comes with Plenum, to try it',
  added: 'Added by you',
  folder: 'Watched folder',
  'lm-studio': 'LM Studio',
  ollama: 'Ollama',
  'hugging-face': 'Hugging Face cache',
}

/** What the header says of a model, and where its files are. */
export function ModelFactsList({ model }: { readonly model: LibraryModel }) {
  const { file } = model
  const facts = file.kind === 'usable' ? headerFacts(file.facts) : []
  return <FactList facts={[...facts, ...fileFacts(model)]} />
}

function headerFacts(facts: ModelFacts): readonly Fact[] {
  const { experts } = facts
  return [
    { name: 'Title', value: facts.title },
    { name: 'Architecture', value: facts.architecture },
    { name: 'Parameters', value: formatParameters(facts.parameters) },
    { name: 'Quantization', value: facts.quantization },
    { name: 'Weights', value: `${formatBytes(facts.weightBytes)} (${tensorTypes(facts)})` },
    { name: 'Layers', value: formatCount(facts.layers) },
    {
      name: 'Experts',
      value: experts && `${formatCount(experts.count)}, ${formatCount(experts.used)} used for a token`,
    },
    { name: 'Training context', value: `${formatCount(facts.trainContextTokens)} tokens` },
    { name: 'KV cache', value: `${formatBytes(facts.kvBytesPerToken)} a token` },
    {
      name: 'Recurrent state',
      value:
        facts.recurrentStateBytes > 0 ? `${formatBytes(facts.recurrentStateBytes)} a conversation` : null,
    },
    { name: 'Vocabulary', value: `${formatCount(facts.vocabularySize)} tokens` },
    { name: 'Chat template', value: facts.hasChatTemplate ? 'Yes' : 'None: a general one is used' },
    { name: 'License', value: facts.license },
    { name: 'Author', value: facts.author },
    { name: 'Description', value: facts.description },
  ]
}

function tensorTypes({ tensorTypes: types }: ModelFacts): string {
  return types.map(({ type, bytes }) => `${type} ${formatBytes(bytes)}`).join(', ')
}

function fileFacts({ source, paths, fileBytes, projectorPath, addedAt }: LibraryModel): readonly Fact[] {
  return [
    { name: 'Source', value: sourceNames[source] },
    { name: paths.length === 1 ? 'File' : `${paths.length} files`, value: paths.join('\n') },
    { name: 'Size on disk', value: formatBytes(fileBytes) },
    { name: 'Image projector', value: projectorPath },
    { name: 'Added', value: new Intl.DateTimeFormat('en-GB', { dateStyle: 'medium' }).format(addedAt) },
  ]
}
