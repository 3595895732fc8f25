/** Steps of an operator on L1, one after the other: two at once would both pay out of what is there once. */
export class OneByOne {
  #last: Promise<unknown> = Promise.resolve();

  /** Takes a step when those before it have ended, well or badly. */
  run<T>(step: () => Promise<T>): Promise<T> {
    const taken = this.#last.then(step);
    this.#last = taken.catch(() => undefined);
    return taken;
  }
}
