/**
 * How well the demo verifier judges answers that it was not trained on, half of them wrong, with what the app sends: 300 of the demo models' own world
 * (`familiar-pairs.json`: pairs of `corpus.py` that its training leaves out), and 300 of the wide world (`verdict-pairs.ts`).
 * `node bench/verdicts.ts`: the real model, one thread on the CPU.
 */
import { readFileSync } from 'node:fs'
import { verdicts, verifierMessages } from '../src/main/core/verification.ts'
import { demoModel, median, openResident } from './measure.ts'
import { judgedPairs, type JudgedPair } from './verdict-pairs.ts'

/** An answer, and how likely its verifier finds PASS. */
type Judged = JudgedPair & { readonly pass: number }

async function main(): Promise<void> {
  await using judge = await openResident(demoModel('judge-2.2m-q8_0'))
  const file = new URL('familiar-pairs.json', import.meta.url)
  const familiar = JSON.parse(readFileSync(file, 'utf8')) as JudgedPair[]
  for (const [name, pairs] of Object.entries({ familiar, wide: judgedPairs() })) {
    const judged: Judged[] = []
    const ms: number[] = []
    for (const pair of pairs) {
      const startedAt = performance.now()
      const { probabilities } = await judge.choose(null, verifierMessages(pair), verdicts)
      ms.push(performance.now() - startedAt)
      judged.push({ ...pair, pass: probabilities[0] ?? 0 })
    }
    console.log(`${name}: a verdict takes ${median(ms).toFixed(1)} ms (median)`)
    for (const least of [0.3, 0.4, 0.5, 0.6]) report(judged, least)
  }
}

/** What it says where an answer passes from a probability of PASS on. */
function report(judged: readonly Judged[], least: number): void {
  const share = (of: readonly Judged[], holds: (each: Judged) => boolean) =>
    `${String(of.filter(holds).length)} of ${String(of.length)}`
  const right = judged.filter(({ isRight }) => isRight)
  const wrong = judged.filter(({ isRight }) => !isRight)
  const passes = ({ pass }: Judged) => pass >= least
  const isJust = (each: Judged) => passes(each) === each.isRight
  const texts = judged.filter(({ kind }) => kind === 'text')
  const sums = judged.filter(({ kind }) => kind === 'sum')
  console.log(
    `PASS from ${least.toFixed(1)}: verdicts right ${share(judged, isJust)} (texts ${share(texts, isJust)}, sums ${share(sums, isJust)}); ` +
      `right answers that fail ${share(right, (each) => !passes(each))}; wrong answers that pass ${share(wrong, passes)}`,
  )
}

await main()
