import type { IncomingMessage, ServerResponse } from 'node:http'
import { OpenAPIGenerator } from '@orpc/openapi'
import { OpenAPIHandler } from '@orpc/openapi/node'
import { BodyLimitPlugin } from '@orpc/server/node'
import { ZodToJsonSchemaConverter } from '@orpc/zod/zod4'
import { MB } from '../../contract/bytes.ts'
import { contract } from '../../contract/contract.ts'
import { conversationEventSchema, turnSchema } from '../../contract/conversation.ts'
import type { HostRouter } from '../host/procedures.ts'

/** Answers a request under `/api`; false when the contract has no such route. */
export type ServeApi = (request: IncomingMessage, response: ServerResponse) => Promise<boolean>

/** The contract as REST. */
export function createApi(router: HostRouter): ServeApi {
  const handler = new OpenAPIHandler(router, { plugins: [new BodyLimitPlugin({ maxBodySize: 32 * MB })] })
  return async (request, response) => (await handler.handle(request, response, { prefix: '/api' })).matched
}

/** The OpenAPI document of the REST side: the routes of the contract, and nothing that only the window calls. */
export async function describeApi(version: string): Promise<object> {
  const converter = new ZodToJsonSchemaConverter()
  const generator = new OpenAPIGenerator({ schemaConverters: [converter] })
  const document = await generator.generate(contract, {
    filter: ({ contract: procedure }) => procedure['~orpc'].route.path !== undefined,
    info: { title: 'Plenum', version, description: 'Several language models in one memory pool.' },
    servers: [{ url: '/api' }],
    components: { securitySchemes: { token: { type: 'http', scheme: 'bearer' } } },
    security: [{ token: [] }],
  })
  // What `turns.ask` answers depends on `stream`, which the contract's types say and its schemas cannot.
  const ask = document.paths?.['/conversations/{id}/turns']?.post
  if (ask) {
    const [, turn] = converter.convert(turnSchema, { strategy: 'output' })
    const [, event] = converter.convert(conversationEventSchema, { strategy: 'output' })
    ask.responses = {
      ...ask.responses,
      '200': {
        description:
          'The whole turn when it is done; with `stream`, a server-sent "message" event for each change of the conversation until then',
        // The converter's schemas are JSON Schema 2020-12, which is what OpenAPI 3.1 takes.
        content: {
          'application/json': { schema: turn as object },
          'text/event-stream': { schema: event as object },
        },
      },
    }
  }
  return document
}
