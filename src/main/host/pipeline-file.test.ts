import { readFileSync } from 'node:fs'
import path from 'node:path'
import { expect, it } from 'vitest'
import { parsePipeline } from './pipeline-file.ts'

const sample = readFileSync(
  path.join(import.meta.dirname, '../../../resources/pipelines/unified-ai-pipeline.yaml'),
  'utf8',
)

/** What is said of the sample when a part of it is written otherwise, one line each. */
function saidOf(text: string): string[] {
  return parsePipeline(text).findings.map(({ severity, line, column, path: at, message, help }) =>
    [
      `${severity} ${String(line)}:${String(column)} ${at}`,
      message,
      ...(help === undefined ? [] : [help]),
    ].join(' | '),
  )
}

function changed(from: string, to: string): string[] {
  expect(sample).toContain(from)
  return saidOf(sample.replace(from, to))
}

it('reads the sample as it stands', () => {
  const { file, findings } = parsePipeline(sample)
  expect(findings).toEqual([])
  expect(
    file?.models.map(({ id, max_context, estimated_footprint_gb }) => [
      id,
      max_context,
      estimated_footprint_gb,
    ]),
  ).toEqual([
    ['orchestrator-70b', 4096, 42],
    ['specialist-30b', 2048, 20],
    ['verifier-7b', 1024, 7],
  ])
  expect(file?.runtime).toEqual({
    framework: 'llama-cpp',
    nvlink_c2c: 'enabled',
    windows_arm_native: true,
    speculative_decoding: false,
    early_stopping: true,
  })
})

it('says what a key that is unknown was to be, with its line and column', () => {
  expect(changed('max_context: 4096', 'maxContext: 4096')).toEqual([
    'error 12:5 models[0].maxContext | "maxContext" is no key of models[0] | Did you mean "max_context"?',
  ])
  expect(changed('total_gb: 128', 'total_mb: 131072')).toEqual([
    'error 4:3 memory.total_mb | "total_mb" is no key of memory | Did you mean "total_gb"? Sizes are in GB',
  ])
  expect(changed('memory:', 'total_gb: 3\nmemory:')).toEqual([
    'error 2:1 total_gb | "total_gb" is no key of the file | It belongs under "memory"',
  ])
  expect(changed('runtime:', 'frobnicate: 1\nruntime:')[0]).toMatch(/^error 27:1 frobnicate .* Take it out/)
})

it('says of a wrong unit how the value is written', () => {
  const [finding] = parsePipeline(sample.replace('total_gb: 128', 'total_gb: "128 GB"')).findings
  expect(finding).toEqual({
    ...{ severity: 'error', line: 4, column: 13, path: 'memory.total_gb' },
    message: '"total_gb": "128 GB" is no number',
    expected: 'a number of GB from 0.01 to 8,192, without a unit',
    help: 'Write 128: the unit, GB, is in the name of the key',
  })
  expect(changed('total_gb: 128', 'total_gb: 131072 MB')[0]).toContain('Write 128:')
  expect(changed('total_gb: 128', 'total_gb: 131072')[0]).toContain('If these are MB, write 128')
  expect(changed('total_gb: 128', 'total_gb: 137438953472')[0]).toContain('If these are bytes, write 128')
  expect(changed('total_gb: 128', 'total_gb: "128"')[0]).toContain('Write 128 without quotes')
  expect(changed('max_context: 4096', 'max_context: 4k')[0]).toContain('Write 4096, without a unit')
  expect(changed('max_context: 4096', 'max_context: 4096 tokens')[0]).toContain('Write 4096, without a unit')
})

it('says of values of the wrong kind what would be right', () => {
  expect(changed('early_stopping: true', 'early_stopping: yes')[0]).toContain('Write true')
  expect(changed('nvlink_c2c: enabled', 'nvlink_c2c: true')[0]).toContain('Write enabled')
  expect(changed('lru_access', 'lru-acces')[0]).toContain('Did you mean "lru_access"?')
  expect(changed('id: orchestrator-70b', 'id: 70')[0]).toContain('Put it in quotes: "70"')
  expect(changed('bandwidth_throttle: false', 'bandwidth_throttle:')[0]).toContain(
    '"bandwidth_throttle" has no value',
  )
  expect(changed('    path: ./models/7b-q8.gguf\n', '')[0]).toMatch(
    /^error 21:5 models\[2\]\.path \| "path" is missing/,
  )
  expect(changed('framework: llama-cpp', 'framework: vllm')).toEqual([
    'error 28:14 runtime.framework | "framework": "vllm" is not known',
  ])
  expect(saidOf('')).toEqual(['error 1:1  | The file is empty | Begin with "models:" and a list of models'])
  expect(saidOf('- a')[0]).toContain('is no group of keys')
})

it('finds what does not go together', () => {
  expect(changed('reserve_gb: 8', 'reserve_gb: 128')[0]).toContain('leaves nothing of 128 GB')
  expect(changed('id: verifier-7b', 'id: specialist-30b')[0]).toMatch(
    /^error 21:9 models\[2\]\.id \| Two models are called/,
  )
  expect(changed('./models/7b-q8.gguf', './models/70b-fp4.gguf')[0]).toContain('are the same file')
  expect(changed('runtime:', 'router: { model: orchestrater-70b }\nruntime:')[0]).toBe(
    'error 27:18 router.model | No model of this file is called "orchestrater-70b" | Did you mean "orchestrator-70b"?',
  )
  expect(changed('quantization: fp4', 'draft: orchestrator-70b')[0]).toContain('cannot draft for itself')
  expect(changed('runtime:', 'steps: [{ step: answer, label: code }, { step: verify }]\nruntime:')).toEqual([
    'error 27:32 steps[0].label | No model answers "code" | Give a model a role with this label',
    'error 27:48 steps[1].step | Nobody verifies in this file | Add "verifier:" with a model',
  ])
  expect(changed('quantization: fp4', 'draft: verifier-7b')).toEqual([
    'warning 11:5 models[0].draft | "orchestrator-70b" has a draft, and speculative decoding is off: it is not used | Take one of the two out',
  ])
})

it('tells what is wrong with the YAML itself', () => {
  expect(saidOf('models:\n\t- id: a\n')).toEqual([
    'error 2:1  | A tab stands where the line is indented | Replace the tab by two spaces',
  ])
  expect(saidOf('models: []\n---\nmodels: []\n')[0]).toMatch(/^error 2:1 .*second document/)
  expect(changed('reserve_gb: 8', 'reserve_gb: 8\n  reserve_gb: 9')[0]).toMatch(
    /^error 6:3 memory.reserve_gb \| "reserve_gb" comes twice .*line 5/,
  )
  expect(saidOf('models: !!js/function "x"')[0]).toContain('A tag')
  expect(saidOf('models: [\n')[0]).toMatch(/^error/)
  expect(saidOf('GGUF\0\0')[0]).toContain('no text')
})

it('follows aliases, and none into ruin', () => {
  const shared = sample
    .replace('max_context: 4096', 'max_context: &context 2048')
    .replace('max_context: 1024', 'max_context: *context')
  expect(parsePipeline(shared).file?.models[2]?.max_context).toBe(2048)
  const bomb = Array.from({ length: 12 }, (_, level) =>
    level === 0
      ? 'a0: &a0 [x, x]'
      : `a${level}: &a${level} [${Array(9)
          .fill(`*a${level - 1}`)
          .join()}]`,
  ).join('\n')
  expect(saidOf(bomb)[0]).toMatch(/too many values|too deeply/)
  expect(saidOf('models: &m\n  a: *m\n')[0]).toContain('nested too deeply')
  expect(saidOf('models: *nobody\n')[0]).toMatch(/not YAML|stands for nothing/)
  expect(saidOf('__proto__: { polluted: true }\n')[0]).toContain('cannot be a key')
  expect(saidOf('['.repeat(50_000))[0]).toContain('nested too deeply')
  expect(saidOf(`a: ${'x'.repeat(300_000)}`)[0]).toContain('too long')
})
