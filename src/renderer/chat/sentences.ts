import { splitThoughts } from '../../contract/thoughts.ts'
import { splitBlocks } from '../markdown/markdown-blocks.ts'

/**
 * The whole sentences of an answer, as they are read out: without Markdown's marks, code blocks only named.
 * While the answer grows, the sentence that is being written is left out.
 */
export function spokenSentences(
  text: string,
  { isGrowing }: { readonly isGrowing: boolean },
): readonly string[] {
  const said = splitThoughts(text, { isGrowing }).filter(({ kind }) => kind === 'answer')
  const blocks = said.flatMap((part) => splitBlocks(part.text, { isGrowing }))
  return blocks.flatMap((block, index) => {
    const isLast = index === blocks.length - 1
    if (block.kind === 'formula') return block.isOpen && isGrowing ? [] : ['Formula.']
    if (block.kind === 'code') {
      return block.isOpen && isGrowing
        ? []
        : [block.language ? `Code block, ${block.language}.` : 'Code block.']
    }
    const sentences = plainText(block.text)
      .split(/(?<=[.!?…]["')\]]?)\s+|\n+/)
      .map((sentence) => sentence.trim())
      .filter((sentence) => /[\p{L}\p{N}]/u.test(sentence))
    return isLast && isGrowing ? sentences.slice(0, -1) : sentences
  })
}

function plainText(markdown: string): string {
  return markdown
    .replace(/!?\[([^\]]*)\]\([^)]*\)/g, '$1')
    .replace(/^\s*(?:#{1,6}|>|[-*+])\s+/gm, '')
    .replace(/[*`|]|(?<!\w)_|_(?!\w)/g, '')
}
