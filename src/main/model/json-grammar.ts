import type { Llama, LlamaGrammar } from 'node-llama-cpp'
import { AppError } from '../../contract/errors.ts'

/** With it the library's grammars of JSON end: a sign for its own chat sessions, which models would have to write. */
const endSign = ' "\\n\\n\\n\\n" [\\n]*'

/** A grammar for what a JSON schema allows; an answer can end where the JSON does. Throws `BAD_INPUT` for a schema that makes none. */
export async function createJsonGrammar(llama: Llama, schema: unknown): Promise<LlamaGrammar> {
  try {
    // The host has checked it; the library's type knows only schemas that are written out in code.
    const { grammar } = await llama.createGrammarForJsonSchema(schema as { readonly type: 'object' })
    return await llama.createGrammar({ grammar: grammar.replace(endSign, '') })
  } catch (error) {
    const fact = error instanceof Error ? error.message : String(error)
    throw new AppError('BAD_INPUT', `Cannot hold answers to the JSON schema: ${fact}`, { cause: error })
  }
}
