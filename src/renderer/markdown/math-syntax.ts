import type { Extension as FromMarkdown } from 'mdast-util-from-markdown'
import type { Code, Construct, Effects, Extension, State, Token, TokenizeContext } from 'micromark-util-types'

declare module 'micromark-util-types' {
  interface TokenTypeMap {
    formula: 'formula'
    formulaText: 'formulaText'
  }
}

const dollar = 36
const backslash = 92

/**
 * Formulas between `$…$`, `$$…$$`, `\(…\)` and `\[…\]` for micromark. One dollar follows Pandoc's rules, so that prices
 * stay prices: no space inside of either mark, and no letter or digit at their outside.
 */
export function formulaSyntax(): Extension {
  return { text: { [dollar]: { name: 'formula', tokenize: tokenizeDollars }, [backslash]: tokenizer } }
}

/** Formulas as inline code of the classes `formula` and, on lines of their own, `display`. */
export function formulaFromMarkdown(): FromMarkdown {
  return {
    enter: {
      formula(token) {
        this.enter({ type: 'inlineCode', value: '' }, token)
      },
    },
    exit: {
      formula(token) {
        const source = this.sliceSerialize(token)
        const length = source.startsWith('$') && !source.startsWith('$$') ? 1 : 2
        const value = source.slice(length, -length).trim()
        const isDisplay = source.startsWith('$$') || source.startsWith('\\[')
        const node = this.stack.at(-1)
        if (node?.type === 'inlineCode') {
          node.value = value
          node.data = { hProperties: { className: isDisplay ? ['formula', 'display'] : ['formula'] } }
        }
        this.exit(token)
      },
    },
  }
}

/** Whether what stands between two single dollars is a formula, and no text between two prices. */
export function isFormula(source: string): boolean {
  if (source === '' || /^\s|\s$/.test(source)) return false
  // "$5 for one, 10$ for two": a number and words.
  return !(
    /^\d/.test(source) && /(?:^|[^\\a-zA-Z])[a-zA-Z]{3,}/.test(source.replaceAll(/\\\w+\{[^}]*\}/g, ''))
  )
}

const tokenizer: Construct = { name: 'formula', tokenize: tokenizeBackslash }

function isLineEnd(code: Code): boolean {
  return code !== null && code < -2
}

/** Takes the characters of a formula. Line ends are tokens of their own: what a quote puts before the next line is left out behind them. */
function createTaker(effects: Effects) {
  const state = { isOpen: false }
  const close = () => {
    if (state.isOpen) effects.exit('formulaText')
    state.isOpen = false
  }
  return {
    take: (code: Code): void => {
      if (isLineEnd(code)) {
        close()
        effects.enter('lineEnding')
        effects.consume(code)
        effects.exit('lineEnding')
        return
      }
      if (!state.isOpen) effects.enter('formulaText')
      state.isOpen = true
      effects.consume(code)
    },
    end: (): Token => {
      close()
      return effects.exit('formula')
    },
  }
}

function tokenizeDollars(this: TokenizeContext, effects: Effects, ok: State, nok: State): State {
  const { previous } = this
  const sourceOf = (token: Token) => this.sliceSerialize(token)
  const { take, end } = createTaker(effects)
  let length = 0
  return start

  function start(code: Code): State | undefined {
    // "US$5" and shell's "a$b" are no formulas.
    if (previous !== null && previous > 47 && /[\w$]/.test(String.fromCodePoint(previous))) return nok(code)
    effects.enter('formula')
    return opening(code)
  }

  function opening(code: Code): State | undefined {
    if (code === dollar && length < 2) {
      length++
      take(code)
      return opening
    }
    if (code === dollar || code === null || (length === 1 && (code < 0 || code === 32))) return nok(code)
    return content(code)
  }

  function content(code: Code): State | undefined {
    if (code === null) return nok(code)
    take(code)
    if (code === backslash) return escaped
    if (code !== dollar) return content
    return length === 1 ? afterSingle : second
  }

  function escaped(code: Code): State | undefined {
    if (code === null) return nok(code)
    take(code)
    return content
  }

  function second(code: Code): State | undefined {
    if (code !== dollar) return nok(code)
    take(code)
    return afterDouble
  }

  function afterDouble(code: Code): State | undefined {
    end()
    return ok(code)
  }

  function afterSingle(code: Code): State | undefined {
    if (code !== null && code > 47 && /\w/.test(String.fromCodePoint(code))) return nok(code)
    return isFormula(sourceOf(end()).slice(1, -1)) ? ok(code) : nok(code)
  }
}

function tokenizeBackslash(this: TokenizeContext, effects: Effects, ok: State, nok: State): State {
  const { take, end } = createTaker(effects)
  let closing = 0
  return start

  function start(code: Code): State | undefined {
    effects.enter('formula')
    take(code)
    return opening
  }

  function opening(code: Code): State | undefined {
    if (code !== 40 && code !== 91) return nok(code)
    closing = code === 40 ? 41 : 93
    take(code)
    return content
  }

  function content(code: Code): State | undefined {
    if (code === null) return nok(code)
    take(code)
    return code === backslash ? escaped : content
  }

  function escaped(code: Code): State | undefined {
    if (code === null) return nok(code)
    take(code)
    return code === closing ? after : content
  }

  function after(code: Code): State | undefined {
    end()
    return ok(code)
  }
}
