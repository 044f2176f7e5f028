import { expect, test } from 'vitest'
import { jsonSchemaTextSchema, parseJsonSchema } from './json-schema.ts'

function problemOf(schema: unknown): string | null {
  const parsed = parseJsonSchema(JSON.stringify(schema))
  return 'problem' in parsed ? `${parsed.problem.path}: ${parsed.problem.message}` : null
}

test('takes what answers can be held to', () => {
  const schema = {
    $schema: 'https://json-schema.org/draft/2020-12/schema',
    title: 'Order',
    $defs: { line: { type: 'object', properties: { sku: { type: 'string', maxLength: 20 } } } },
    type: 'object',
    properties: {
      id: { type: ['integer', 'null'], description: 'Its number' },
      state: { enum: ['open', 'done', null] },
      at: { type: 'string', format: 'date-time' },
      lines: { type: 'array', items: { $ref: '#/$defs/line' }, minItems: 1 },
      note: { oneOf: [{ type: 'string' }, { const: 0 }] },
    },
    required: ['id', 'state', 'at', 'lines', 'note'],
    additionalProperties: false,
  }
  expect(problemOf(schema)).toBeNull()
})

test.each([
  [{ anyOf: [{ type: 'string' }] }, ': "anyOf" cannot be followed; "oneOf" can'],
  [
    { type: 'object', properties: { a: { type: 'array', items: { type: 'string', pattern: '^a' } } } },
    'properties.a.items: "pattern" cannot be followed',
  ],
  [
    { type: 'object', properties: { a: { type: 'string' }, b: { type: 'string' } }, required: ['a'] },
    ': every property is always written: add "b" to "required", or leave "required" out',
  ],
  [{ type: 'object', properties: { a: {} } }, 'properties.a: "type" is missing'],
  [{ type: 'object', properties: { a: { type: 'text' } } }, 'properties.a: "type" cannot be "text"'],
  [{ type: 'number', minimum: 3 }, ': "minimum" cannot be followed'],
  [{ type: 'string', format: 'email' }, ': "format" can be "date-time", "time", "date" and nothing else'],
  [{ $ref: '#/$defs/none' }, ': "$ref" takes "#/$defs/…" with a name that the schema defines'],
  [
    { oneOf: [{ type: 'string' }, { allOf: [] }] },
    'oneOf.1: "allOf" cannot be followed: write one schema with all of it',
  ],
  [5, ': there is no schema: it takes an object such as {"type": "string"}'],
])('names the place and the reason: %j', (schema, problem) => {
  expect(problemOf(schema)).toBe(problem)
})

test('says what is no JSON, and refuses it as input', () => {
  const checked = jsonSchemaTextSchema.safeParse('{"type": ')
  expect(checked.success).toBe(false)
  expect(checked.error?.issues[0]?.message).toMatch(/^The schema cannot be used: this is no JSON/)
})

test('a schema that is nested without end is refused, not followed', () => {
  const deep = '{"type":"array","items":'.repeat(200) + '{"type":"null"}' + '}'.repeat(200)
  expect(parseJsonSchema(deep)).toMatchObject({
    problem: { message: expect.stringContaining('nested') as string },
  })
})
