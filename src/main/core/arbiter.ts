import type { Clock } from './clock.ts'

/** What can stand still in the middle of an answer. */
export interface Pausable {
  /** Ends when nothing is decoded any more: at the next token boundary. */
  pause(): Promise<void>
  resume(): void
}

/** An answer that wants to be decoded. */
type DecodingRequest = {
  readonly modelId: string
  /** What the user calls the model. */
  readonly name: string
  /** May decode beside other models: its bandwidth throttle is off. */
  readonly runsBeside: boolean
  /** Present for background work, which makes way for answers that somebody waits for. */
  readonly background?: Pausable | undefined
  /** Of background work: it makes way for other such work as well, and has no share. Default false. */
  readonly onlyWhenIdle?: boolean | undefined
  readonly signal?: AbortSignal | undefined
  /** Told in plain words where in line it is, at once and whenever that changes. Must not throw. */
  readonly onWait?: ((reason: string) => void) | undefined
}

type Entry = {
  readonly request: DecodingRequest
  /** `leaving`: background work that was asked to stand still and has not yet. */
  state: 'waiting' | 'decoding' | 'leaving' | 'paused' | 'gone'
  reason: string
  /** Until then background work that waited for its share is not asked to make way (ms). */
  undisturbedUntil: number
  readonly start: () => void
}

/** So many answers that somebody waits for may overtake background work that waits; then it has its share. */
export const mostOvertakes = 4
/** How long background work then goes on undisturbed, in milliseconds. */
export const backgroundShareMs = 2000

/**
 * Says who may decode. Decoding is bound by memory bandwidth, so two models that decode at once each run at half speed:
 * one model decodes at a time, and one answer of each model. Answers come in order of asking; background work goes after
 * them and makes way at a token boundary, but has its share: `mostOvertakes`, `backgroundShareMs`. What is done only when nobody
 * else decodes goes last, and has none.
 */
export class Arbiter {
  readonly #clock: Clock
  readonly #decoding = new Set<Entry>()
  /** In order of asking. */
  readonly #answers: Entry[] = []
  /** In order of asking, paused work first. */
  readonly #background: Entry[] = []
  /** Answers that began while background work waited. */
  #overtakes = 0
  #timer: Disposable | null = null
  readonly #idleListeners = new Set<() => void>()

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** Nobody decodes or waits to. */
  get isIdle(): boolean {
    return this.#decoding.size + this.#answers.length + this.#background.length === 0
  }

  /** Calls back each time that the last one has left. */
  onIdle(listener: () => void): () => void {
    this.#idleListeners.add(listener)
    return () => this.#idleListeners.delete(listener)
  }

  /** Resolves when it may decode; dispose the result when it is over. Rejects with `signal.reason` when aborted in line. */
  async enter(request: DecodingRequest): Promise<Disposable> {
    const { signal } = request
    signal?.throwIfAborted()
    const { promise, resolve, reject } = Promise.withResolvers<null>()
    const entry: Entry = {
      ...{ request, state: 'waiting', reason: '', undisturbedUntil: 0 },
      start: () => resolve(null),
    }
    const leave = () => {
      this.#leave(entry)
      reject(signal?.reason)
    }
    signal?.addEventListener('abort', leave, { once: true })
    this.#lineOf(entry).push(entry)
    this.#advance()
    try {
      await promise
    } finally {
      signal?.removeEventListener('abort', leave)
    }
    return { [Symbol.dispose]: () => this.#leave(entry) }
  }

  #leave(entry: Entry): void {
    if (entry.state === 'gone') return
    // Its model must not stand still for the next answer.
    if (entry.state === 'paused' || entry.state === 'leaving') entry.request.background?.resume()
    entry.state = 'gone'
    this.#decoding.delete(entry)
    const line = this.#lineOf(entry)
    const at = line.indexOf(entry)
    if (at !== -1) line.splice(at, 1)
    if (!this.#background.some(hasShare)) this.#overtakes = 0
    this.#advance()
    if (this.isIdle) for (const listener of [...this.#idleListeners]) listener()
  }

  #lineOf({ request }: Entry): Entry[] {
    return request.background ? this.#background : this.#answers
  }

  /** Everybody who waits, in the order in which they would be served. */
  #line(): Entry[] {
    const sharing = this.#background.filter(hasShare)
    const others = this.#background.filter((entry) => !hasShare(entry))
    return this.#overtakes >= mostOvertakes
      ? [...sharing, ...this.#answers, ...others]
      : [...this.#answers, ...sharing, ...others]
  }

  #advance(): void {
    for (;;) {
      const next = this.#line().find((entry) => this.#blockers(entry).length === 0)
      if (!next) break
      this.#start(next)
    }
    this.#askToMakeWay()
    this.#tell()
  }

  #start(entry: Entry): void {
    const line = this.#lineOf(entry)
    line.splice(line.indexOf(entry), 1)
    this.#decoding.add(entry)
    const wasPaused = entry.state === 'paused'
    entry.state = 'decoding'
    entry.reason = ''
    if (!entry.request.background) {
      if (this.#background.some(hasShare)) this.#overtakes++
    } else if (hasShare(entry)) {
      if (this.#overtakes >= mostOvertakes) entry.undisturbedUntil = this.#clock.now() + backgroundShareMs
      this.#overtakes = 0
    }
    if (wasPaused) entry.request.background?.resume()
    else entry.start()
  }

  /** Those who decode and have to end or make way before this one may begin. */
  #blockers({ request }: Entry): Entry[] {
    return [...this.#decoding].filter((other) => conflicts(request, other.request))
  }

  /** Background work stands still for the first answer in line that it keeps waiting, once it has had its share. */
  #askToMakeWay(): void {
    this.#timer?.[Symbol.dispose]()
    this.#timer = null
    const inTheWay = new Set(this.#answers.flatMap((entry) => this.#blockers(entry)))
    for (const waiting of this.#background.filter(hasShare))
      for (const entry of this.#blockers(waiting)) if (!hasShare(entry)) inTheWay.add(entry)
    let dueAt = Infinity
    for (const entry of inTheWay) {
      if (!entry.request.background || entry.state !== 'decoding') continue
      if (entry.undisturbedUntil <= this.#clock.now()) this.#pause(entry, entry.request.background)
      else dueAt = Math.min(dueAt, entry.undisturbedUntil)
    }
    if (dueAt < Infinity) this.#timer = this.#clock.setTimer(dueAt - this.#clock.now(), () => this.#advance())
  }

  #pause(entry: Entry, background: Pausable): void {
    entry.state = 'leaving'
    background.pause().then(
      () => {
        if (entry.state !== 'leaving') return
        entry.state = 'paused'
        this.#decoding.delete(entry)
        this.#background.unshift(entry)
        this.#advance()
      },
      // What cannot be paused has come to its end, or does so in its own time: its place comes back then.
      () => undefined,
    )
  }

  #tell(): void {
    const line = this.#line()
    for (const [at, entry] of line.entries()) {
      const ahead = line.slice(0, at).filter((other) => conflicts(entry.request, other.request))
      const [holder] = this.#blockers(entry)
      const first = holder ?? ahead[0]
      if (!first) continue
      const whose = first.request.modelId === entry.request.modelId ? 'another answer of ' : ''
      const place = ahead.length === 0 ? 'Next' : ordinal(ahead.length + 1)
      const reason = `${place} in line behind ${whose}"${first.request.name}"`
      if (reason === entry.reason) continue
      entry.reason = reason
      entry.request.onWait?.(reason)
    }
  }
}

/** Whether it is background work that others must not keep waiting for ever. */
function hasShare({ request }: Entry): boolean {
  return request.background !== undefined && request.onlyWhenIdle !== true
}

/** Whether two may not decode at once. */
function conflicts(one: DecodingRequest, other: DecodingRequest): boolean {
  return one.modelId === other.modelId || (!one.runsBeside && !other.runsBeside)
}

function ordinal(place: number): string {
  const tens = place % 100
  const ending = tens > 10 && tens < 14 ? 'th' : (['th', 'st', 'nd', 'rd'][place % 10] ?? 'th')
  return `${String(place)}${ending}`
}
