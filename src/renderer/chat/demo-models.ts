import type { LibraryModel } from '../../contract/model.ts'

/** Something that a demo model was trained to answer (resources/demo-models/corpus.py). */
export type DemoQuestion = { readonly text: string; readonly model: LibraryModel }

const questions = [
  { model: /guide/i, text: 'What is unified memory?' },
  { model: /coder/i, text: 'Write a function that reverses a string.' },
  { model: /guide/i, text: 'My name is Nora.' },
]

/** Questions to try, each with the demo model that knows the answer, as far as those are there. */
export function demoQuestions(models: readonly LibraryModel[]): readonly DemoQuestion[] {
  const demos = models.filter(({ source, file }) => source === 'demo' && file.kind === 'usable')
  return questions.flatMap(({ model, text }) => {
    const found = demos.find(({ id }) => model.test(id))
    return found ? [{ text, model: found }] : []
  })
}
