/** L1 with nothing but stakes and randomness, as a node's own view has it: who is drawn for what, without nodes. */
import {
  type Address,
  type BlsKey,
  blsKeyFromSeed,
  type ChainId,
  epochOf,
  fromHex,
  type Hash,
  type Hex,
  type JobId,
  jobIdOf,
  LIMITS,
  type NetworkIdentity,
  type Parameters,
  type PeerId,
  PROFILES,
  seatWeightOf,
  stakeGridOf,
  toAddress,
  vrfOutput,
  vrfProve,
} from "@mvm/protocol";
import { L1View, type Member, randomnessMessage } from "@mvm/roles";
import type { SeededRandom } from "./seededRandom.ts";

export const NETWORK: NetworkIdentity = { l1ChainId: 31_337n, comco: toAddress(`0x${"c0".repeat(20)}`) };
const PARAMETERS: Parameters = PROFILES.devnet;
const MT = 10n ** 18n;
/** Seconds of the first L1 block. */
const START = 1_800_000_000n;
const BASE_FEE = 10n ** 9n;

export const { epochBlocks } = PARAMETERS;

/** An account with keys of its own. */
export function drawnMember(draw: SeededRandom, index: number, stakeMT: number): Member & { readonly key: BlsKey } {
  const key = blsKeyFromSeed(fromHex(draw.hash()));
  return {
    index,
    operator: draw.hash().slice(0, 42) as Address,
    stakeWei: BigInt(stakeMT) * MT,
    blsPublicKey: key.publicKey,
    peerId: `peer-${index}` as PeerId,
    multiaddr: "/memory",
    key,
  };
}

export class StakedL1 {
  readonly view = new L1View(PARAMETERS);
  readonly #draw: SeededRandom;

  constructor(draw: SeededRandom) {
    this.#draw = draw;
  }

  /** The block in which what happens now is. */
  get #next(): bigint {
    return this.view.block.number + 1n;
  }

  get epoch(): bigint {
    return epochOf(this.view.block.number, PARAMETERS.epochBlocks);
  }

  /** A provider takes a place of the seat tree. */
  seat(member: Member, place = member.index): void {
    this.view.apply({ kind: "registered", registry: "provider", member });
    const { index, stakeWei } = member;
    const weightMT = seatWeightOf(stakeWei);
    this.view.apply({ kind: "seatTaken", index, place, weightMT, l1Block: this.#next });
  }

  sequencer(member: Member): void {
    this.view.apply({ kind: "registered", registry: "sequencer", member });
    const { index, stakeWei } = member;
    const grid = stakeGridOf(stakeWei);
    this.view.apply({ kind: "stakeChanged", index, grid, stakeWei, l1Block: this.#next });
  }

  /**
   * The next block.
   * @param prevRandao drawn unless said
   */
  mine(prevRandao: Hash = this.#draw.hash(), values: { timestamp?: bigint; baseFeePerGas?: bigint } = {}): void {
    const number = this.#next;
    const { timestamp = START + number, baseFeePerGas = BASE_FEE } = values;
    this.view.apply({ kind: "l1Block", number, timestamp, baseFeePerGas, prevRandao });
  }

  /** All blocks up to one, that one too. */
  mineTo(number: bigint): void {
    while (this.view.block.number < number) this.mine();
  }
}

export type BlockPlace = { readonly chainId: ChainId; readonly slot: bigint; readonly number: bigint };

/** A sequencer's proof for a block: of generation 0 unless said. */
export const proofAt = (view: L1View, key: BlsKey, place: BlockPlace & { readonly generation?: bigint }): Hex =>
  vrfProve(key, randomnessMessage(view, NETWORK, { generation: 0n, ...place })!);

/** The jobs that a sequencer draws for a block, in the order in which they may be tried. */
export function jobsAt(view: L1View, key: BlsKey, place: BlockPlace): readonly JobId[] {
  const randomness = vrfOutput(proofAt(view, key, place));
  return Array.from({ length: LIMITS.jobAttempts }, (_, attempt) => jobIdOf(randomness, attempt));
}
