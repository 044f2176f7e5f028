import path from 'node:path'
import { expect, it } from 'vitest'
import { pipelineJsonSchema, schemaAt, type SchemaPart } from '../../contract/pipeline-json-schema.ts'
import { pipelineSchemaName } from '../../contract/pipeline.ts'

const file = path.join(import.meta.dirname, '..', '..', '..', 'resources', pipelineSchemaName)

it('is published as it is: "vitest -u" writes the file anew', async () => {
  await expect(`${JSON.stringify(pipelineJsonSchema(), null, 2)}\n`).toMatchFileSnapshot(file)
})

it('says of every key what it does', () => {
  const silent: string[] = []
  const visit = (part: SchemaPart, at: string) => {
    for (const [key, child] of Object.entries(part.properties ?? {})) {
      if (child.description === undefined) silent.push(`${at}${key}`)
      visit(child, `${at}${key}.`)
    }
    if (part.items) visit(part.items, at)
  }
  visit(pipelineJsonSchema(), '')
  expect(silent).toEqual([])
})

it('finds the part of a path', () => {
  const schema = pipelineJsonSchema()
  expect(schemaAt(schema, ['models', 3, 'sampling', 'top_k'])?.type).toBe('integer')
  expect(schemaAt(schema, ['models', 3, 'nothing'])).toBeNull()
})
