/** Somebody who guesses how a text goes on, so that the model only has to check it. */
export interface Drafter<Token extends number> {
  /**
   * Up to `count` tokens that may follow `text`; none where there is no guess, and `reading` where a part of the text was read instead. The text only
   * grows from one call to the next.
   */
  propose(
    text: readonly Token[],
    count: number,
  ): readonly Token[] | 'reading' | Promise<readonly Token[] | 'reading'>
}
