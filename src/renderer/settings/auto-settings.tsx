import type { LibraryModel } from '../../contract/model.ts'
import type { ModelRole } from '../../contract/routing.ts'
import { whyUnusable } from '../chat/next-model.ts'
import { NumberField } from '../ui/number-field.tsx'
import { SelectField } from '../ui/select-field.tsx'
import { Check } from './check.tsx'
import { RouteExamples } from './route-examples.tsx'
import { defaultSettings, type SettingItem } from './setting-item.ts'

const learns = [
  { value: 'ask', name: 'Ask each time' },
  { value: 'always', name: 'Always' },
  { value: 'never', name: 'Never' },
] as const

/** Who answers when nobody was chosen, and who checks what was answered. */
export const autoSettings: readonly SettingItem[] = [
  {
    id: 'routerId',
    title: 'Router',
    section: 'Auto',
    unit: null,
    byDefault: 'a model in memory whose role says that it sorts requests',
    effect:
      'The model that reads each request and says which kind it is, so that Auto finds who answers. A small one is quick and takes little memory. One that is named here is loaded when nobody has to leave for it.',
    now: ({ models }) => whoIs(models, { does: 'routes', verb: 'sorts requests' }),
    field: ({ settings, models, save }, noteId) => (
      <ModelField
        label="Router"
        chosenId={settings.routerId}
        models={models}
        byItself="By its role, in memory"
        describedBy={noteId}
        onChoose={(routerId) => save({ routerId })}
      />
    ),
  },
  {
    id: 'routerLimitMs',
    title: 'Time for the router',
    section: 'Auto',
    unit: 'seconds',
    byDefault: `${String(defaultSettings.routerLimitMs / 1000)} seconds`,
    effect:
      'How long Auto waits for the router, its loading included. After that the model of the turn before answers.',
    field: ({ settings, save }, noteId) => (
      <NumberField
        label="Time for the router"
        unit="seconds"
        value={settings.routerLimitMs / 1000}
        placeholder={String(defaultSettings.routerLimitMs / 1000)}
        min={0.05}
        max={600}
        fractions
        describedBy={noteId}
        onCommit={(seconds) =>
          save({
            routerLimitMs: seconds === null ? defaultSettings.routerLimitMs : Math.round(seconds * 1000),
          })
        }
      />
    ),
  },
  {
    id: 'learnsRouting',
    title: 'Learn from what I choose instead',
    section: 'Auto',
    unit: null,
    byDefault: 'ask each time',
    effect:
      'When you have another model answer than the one that Auto chose, your message can become an example for the router. Examples stay on this machine and can be deleted here.',
    field: ({ settings, save, act }, noteId) => (
      <>
        <SelectField
          label="Learn from what I choose instead"
          value={settings.learnsRouting}
          options={learns}
          describedBy={noteId}
          onChoose={(learnsRouting) => save({ learnsRouting })}
        />
        <RouteExamples act={act} />
      </>
    ),
  },
  {
    id: 'verifiesAnswers',
    title: 'Check answers',
    section: 'Auto',
    unit: null,
    byDefault: 'off',
    effect:
      'Another model reads each question with its answer and says PASS or FAIL, and why. What fails is repaired once; both answers stay. A conversation can say otherwise, in “Instructions and sampling”.',
    field: ({ settings, save }, noteId) => (
      <Check
        label="Check answers"
        isOn={settings.verifiesAnswers}
        describedBy={noteId}
        onChange={(verifiesAnswers) => save({ verifiesAnswers })}
      />
    ),
  },
  {
    id: 'verifierId',
    title: 'Checked by',
    section: 'Auto',
    unit: null,
    byDefault: 'a model whose role says that it checks answers, one in memory first',
    effect: 'The model that reads answers and says whether they are right.',
    now: ({ models }) => whoIs(models, { does: 'verifies', verb: 'checks answers' }),
    field: ({ settings, models, save }, noteId) => (
      <ModelField
        label="Checked by"
        chosenId={settings.verifierId}
        models={models}
        byItself="By its role"
        describedBy={noteId}
        onChoose={(verifierId) => save({ verifierId })}
      />
    ),
  },
  {
    id: 'repairerId',
    title: 'Repaired by',
    section: 'Auto',
    unit: null,
    byDefault: 'the model that wrote the answer',
    effect: 'The model that answers again when the check has failed; it is told what was wrong.',
    field: ({ settings, models, save }, noteId) => (
      <ModelField
        label="Repaired by"
        chosenId={settings.repairerId}
        models={models}
        byItself="Who wrote the answer"
        describedBy={noteId}
        onChoose={(repairerId) => save({ repairerId })}
      />
    ),
  },
]

type ModelFieldProps = {
  readonly label: string
  readonly chosenId: string | null
  readonly models: readonly LibraryModel[]
  /** What holds while no model is named. */
  readonly byItself: string
  readonly describedBy: string
  readonly onChoose: (modelId: string | null) => void
}

/** One model of the library that can be used, or none in particular. One that was chosen and has gone is still named. */
function ModelField({ label, chosenId, models, byItself, describedBy, onChoose }: ModelFieldProps) {
  const usable = models.filter((model) => whyUnusable(model, {}) === null)
  const chosen = models.find(({ id }) => id === chosenId)
  const isGone = chosenId !== null && !usable.some(({ id }) => id === chosenId)
  return (
    <SelectField
      label={label}
      value={chosenId ?? ''}
      options={[
        { value: '', name: byItself },
        ...usable.map(({ id, name }) => ({ value: id, name })),
        ...(isGone ? [{ value: chosenId, name: `${chosen?.name ?? chosenId} (cannot be used now)` }] : []),
      ]}
      describedBy={describedBy}
      onChoose={(id) => onChoose(id === '' ? null : id)}
    />
  )
}

/** Which models have a role, in words. */
function whoIs(
  models: readonly LibraryModel[],
  { does, verb }: { readonly does: keyof Pick<ModelRole, 'routes' | 'verifies'>; readonly verb: string },
): string {
  const names = models.filter(({ role }) => role?.[does] === true).map(({ name }) => name)
  return names.length === 0
    ? `No model of the library has the role that it ${verb}.`
    : `By their roles: ${names.join(', ')}.`
}
