/** Proofs of slices alone, over tries made for it: start and end of their transactions are not looked at. */
import { type CutRoots, commitState } from "@mvm/evm";
import type { PartReplay } from "@mvm/l1";
import { CutTries, sliceProof } from "@mvm/node";
import { type AccountWrite, EMPTY_TRIE_ROOT, type Hash, joinBytes, keccakHash, toWord } from "@mvm/protocol";
import { NodeMap, WorldState } from "@mvm/state";
import type { MemoryState } from "../src/memoryState.ts";
import type { SlicedTransaction, SliceSurroundings } from "./sliceLab.ts";

/** What start and end of a transaction would keep. */
const REST = keccakHash(new TextEncoder().encode("rest"));

/** A trie with all nodes that it ever had. */
export class KeptTrie {
  readonly nodes: NodeMap;
  root: Hash;

  constructor(nodes: NodeMap = new NodeMap(), root: Hash = EMPTY_TRIE_ROOT) {
    this.nodes = nodes;
    this.root = root;
  }

  /** Another one that goes on from here; both keep their nodes together. */
  branch(): KeptTrie {
    return new KeptTrie(this.nodes, this.root);
  }

  apply(writes: readonly AccountWrite[]): void {
    const state = new WorldState(this.nodes, this.root);
    this.root = state.applyWrites(writes);
    for (const { encoded } of state.unstoredNodes()) this.nodes.add(encoded);
  }
}

/** The trie of a whole state. */
export function trieOf(state: MemoryState): KeptTrie {
  const trie = new KeptTrie();
  trie.apply(
    [...state.accounts].map(([address, account]): AccountWrite => {
      const slots = [...(state.storages.get(address) ?? [])].map(([slot, value]) => ({ slot, value }));
      return { address, account, code: null, slots };
    }),
  );
  return trie;
}

/** Words of ReplayEnvironment by their names. */
const environmentOf = ({ environment, number, chainId, gasPrice, origin, denied }: SliceSurroundings) => ({
  timestamp: environment.timestamp,
  number,
  baseFee: environment.baseFeePerGas,
  gasLimit: environment.gasLimit,
  prevRandao: environment.prevRandao,
  chainId,
  coinbase: environment.feeRecipient,
  gasPrice,
  origin: `0x${origin.toString(16).padStart(40, "0")}`,
  denied,
});

/** The commitment to what surrounds the message. */
function surroundingsHash(surroundings: SliceSurroundings): Hash {
  const words = Object.values(environmentOf(surroundings)).map((word) => toWord(BigInt(word)));
  return keccakHash(joinBytes([...words, toWord(BigInt(REST))]));
}

/** The slices of a transaction, with what proves each. */
export class SliceProofs {
  readonly #tries: CutTries;
  readonly #given: SlicedTransaction;
  readonly #hash: Hash;

  /** @param world the state before the transaction, which has its nodes */
  constructor(world: KeptTrie, given: SlicedTransaction) {
    this.#given = given;
    this.#tries = new CutTries(world.nodes, CutTries.startingFrom(world.root), given.whole.parts);
    this.#hash = surroundingsHash(given.surroundings);
  }

  /** The commitments before and after a slice. */
  commitments(index: number): readonly [string, string] {
    const { slices, first } = this.#given;
    const slice = slices[index]!;
    const rootsAt = (cut: number): CutRoots => this.#tries.roots[cut]!;
    const told = [slice.before, slice.after].map((state, later) =>
      commitState(state, this.#hash, rootsAt(first + index + later), rootsAt),
    );
    return told as unknown as readonly [string, string];
  }

  proof(index: number): PartReplay {
    const { slices, first, surroundings } = this.#given;
    const slice = slices[index]!;
    const witness = this.#tries.witness(first + index, slice);
    const around = { environment: environmentOf(surroundings), rest: REST };
    return { by: "SliceReplay", proof: sliceProof(slice, first + index, this.#tries.roots, witness, around) };
  }
}
