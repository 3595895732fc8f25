/** The whole pre-state of the block benchmarks in memory: what each contender is loaded with. */
import { toWordHex } from "@mvm/protocol";
import { MemoryState } from "../memoryState.ts";

export class BenchState extends MemoryState {
  constructor() {
    super({ number: 1n, chainId: 1n, blockHash: toWordHex });
  }
}
