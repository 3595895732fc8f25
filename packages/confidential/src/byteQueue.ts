/** Bytes of a stream in pieces of another size: what it holds is bounded by what its reader asks for and the source's own chunk. */
export class ByteQueue {
  readonly #source: AsyncIterator<Uint8Array>;
  #chunks: Uint8Array[] = [];
  #held = 0;
  #ended = false;

  constructor(source: AsyncIterable<Uint8Array>) {
    this.#source = source[Symbol.asyncIterator]();
  }

  /** Reads on until so many bytes are here or the source has ended; how many are here. */
  async fill(sizeBytes: number): Promise<number> {
    while (this.#held < sizeBytes && !this.#ended) {
      const next = await this.#source.next();
      if (next.done === true) this.#ended = true;
      else if (next.value.length > 0) {
        this.#chunks.push(next.value);
        this.#held += next.value.length;
      }
    }
    return this.#held;
  }

  /** Takes the next bytes, fewer only at the end. They may be part of a chunk of the source: not to be changed. */
  async take(sizeBytes: number): Promise<Uint8Array> {
    const size = Math.min(await this.fill(sizeBytes), sizeBytes);
    const first = this.#chunks[0];
    this.#held -= size;
    if (first !== undefined && first.length > size) {
      this.#chunks[0] = first.subarray(size);
      return first.subarray(0, size);
    }
    if (first !== undefined && first.length === size) {
      this.#chunks.shift();
      return first;
    }
    return this.#joined(size);
  }

  #joined(size: number): Uint8Array {
    const bytes = new Uint8Array(size);
    let [at, used] = [0, 0];
    while (at < size) {
      const chunk = this.#chunks[used]!;
      const part = chunk.subarray(0, size - at);
      bytes.set(part, at);
      at += part.length;
      if (part.length === chunk.length) used++;
      else this.#chunks[used] = chunk.subarray(part.length);
    }
    this.#chunks = this.#chunks.slice(used);
    return bytes;
  }

  /** Tells the source that nobody reads on. */
  async close(): Promise<void> {
    if (!this.#ended) await this.#source.return?.();
    this.#ended = true;
  }
}
