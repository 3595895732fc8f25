import { keccak } from "@mvm/protocol";

/** Where tries load nodes from, by keccak-256 of the encoding (32 bytes). Synchronous; undefined: not there. */
export interface NodeSource {
  get(hash: Uint8Array): Uint8Array | undefined;
}

/** Bytes as a map key: one character a byte. */
export function byteKey(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString("latin1");
}

/** The same bytes as a plain array: a Buffer's `slice` is no copy, and that would break whoever relies on one. */
export function plainBytes(bytes: Uint8Array): Uint8Array {
  return Buffer.isBuffer(bytes) ? new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.length) : bytes;
}

/** Nodes in memory. Every node is hashed on entry, so nothing that a peer claims about it is believed. */
export class NodeMap implements NodeSource {
  readonly #nodes = new Map<string, Uint8Array>();

  constructor(encodedNodes: Iterable<Uint8Array> = []) {
    for (const encoded of encodedNodes) this.add(encoded);
  }

  get size(): number {
    return this.#nodes.size;
  }

  /** Adds a node; false if it was there. */
  add(encoded: Uint8Array): boolean {
    const key = byteKey(keccak(encoded));
    if (this.#nodes.has(key)) return false;
    this.#nodes.set(key, plainBytes(encoded));
    return true;
  }

  get(hash: Uint8Array): Uint8Array | undefined {
    return this.#nodes.get(byteKey(hash));
  }

  values(): IterableIterator<Uint8Array> {
    return this.#nodes.values();
  }
}

/** Passes reads on and remembers every node that was asked for: the exact witness of an operation. */
export class RecordingSource implements NodeSource {
  readonly #inner: NodeSource;
  readonly recorded = new NodeMap();

  constructor(inner: NodeSource) {
    this.#inner = inner;
  }

  get(hash: Uint8Array): Uint8Array | undefined {
    const encoded = this.#inner.get(hash);
    if (encoded !== undefined) this.recorded.add(encoded);
    return encoded;
  }
}
