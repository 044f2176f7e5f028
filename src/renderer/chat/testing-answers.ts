/** Long answers as real models write them, for tests of how they are drawn while they grow. */

const explanation = `## How attention scales

For each **layer**, the cost is dominated by two terms: the *projections* (linear in $n$) and the scores, which are $O(n^2 d)$.
A price like $5 or even $10 is not a formula, and neither is US$20.

The score between a query and a key is

$$
\\operatorname{score}(q, k) = \\frac{q^\\top k}{\\sqrt{d_k}}
$$

and the output is $\\sum_i \\alpha_i v_i$ with \\(\\alpha = \\operatorname{softmax}(s)\\). In display form:

\\[
\\alpha_i = \\frac{e^{s_i}}{\\sum_j e^{s_j}}
\\]

### What that means

1. **Prefill** reads the prompt in chunks.
   It is bound by *compute*.
2. **Decode** writes one token at a time and is bound by ~~latency~~ **bandwidth**.

   - each token reads all weights once
   - each token reads the \`KV\` cache once: \`2 * layers * heads * length\`
3. Both share the pool.

| Step | Bound by | Typical \`tok/s\` |
| :--- | :------: | ---------------: |
| prefill | **compute** | 1,200 |
| decode | bandwidth | 42 |
| speculative | both, *sometimes* | 71 |

> Note: with sliding windows the second term stops growing.
> See [the paper](https://arxiv.org/abs/1706.03762) for the details.

- [x] measure
- [ ] tune

---

That is all. Remember: 2 * 3 = 6, snake_case_names stay, and a < b && b > c.
`

const code = `Here is a small ring buffer. First in TypeScript:

\`\`\`ts
/** One producer, one consumer. */
export class Ring<T> {
  readonly #slots: (T | undefined)[]
  #head = 0
  #tail = 0

  constructor(size: number) {
    this.#slots = new Array<T | undefined>(size)
  }

  push(value: T): boolean {
    const next = (this.#tail + 1) % this.#slots.length
    if (next === this.#head) return false // full
    this.#slots[this.#tail] = value
    this.#tail = next
    return true
  }
}
\`\`\`

Then the same in Python, with a comment that has \`size\` in it:

\`\`\`python
class Ring:
    """A ring buffer: \`\`size\`\` slots."""

    def __init__(self, size: int) -> None:
        self.slots = [None] * size
        self.head = self.tail = 0

    def push(self, value) -> bool:
        following = (self.tail + 1) % len(self.slots)
        if following == self.head:
            return False  # full
        self.slots[self.tail] = value
        self.tail = following
        return True
\`\`\`

To run it:

1. Install:

   \`\`\`sh
   npm ci && npm start -- --pool-size 4GB
   \`\`\`

2. Query it:

   \`\`\`sql
   SELECT day, count(*) AS visits FROM events WHERE day > '2024-01-01' GROUP BY day;
   \`\`\`

And a diagram, which stays code:

~~~mermaid
graph TD
  A[Producer] --> B{Full?}
  B -- no --> C[Write slot]
~~~

The indices **never** meet, see \`push\` above and the [documentation](https://example.org/docs/ring).
`

const thinking = `<think>
The user asks for the sum of 1..100. Gauss: n(n+1)/2 = 100 * 101 / 2 = 5050.

- check with a small case: 1..4 = 10, and 4 * 5 / 2 = 10. Good.

So answer **5050**.
</think>

The sum is **5050**.

By pairing the first and the last number you get $n/2$ pairs of $(n + 1)$ each:

$$1 + 2 + \\dots + 100 = \\frac{100 \\cdot 101}{2} = 5050$$

Does that help?
`

const multilingual = `### Übersicht

Die Antwort lautet: **ja**, aber _mit Einschränkungen_ — siehe „Anhang“.

* 日本語の文章も**強調**できます。
* العربية تُكتب من اليمين إلى اليسار، مع \`code\` في الوسط.
* Emoji: 👩‍👩‍👧‍👦 and 🇩🇰 stay whole.

Term one
: is not a definition list here.

Line one with two spaces  
line two, then https://example.com/a?b=c&d=e#f and <https://example.org/x>.

![A diagram](https://example.com/d.png) and an escaped \\*star\\*, a \\$dollar, HTML <b>as text</b> &amp; an entity.

#### Ende
`

/** By what is in them. */
export const recordedAnswers = { explanation, code, thinking, multilingual } as const
