/** Random transactions of the engine's fuzzer, each on the state that those before it left: what replays are compared on. */
import type { Engine } from "@mvm/evm";
import {
  type BlockEnvironment,
  denySlotOf,
  type Hash,
  keccakHash,
  LIMITS,
  PREDEPLOYS,
  type TransactionMessage,
  toHash,
  toWordHex,
} from "@mvm/protocol";
import { Draw } from "../src/fuzz/draw.ts";
import { bytesOf, type CaseTransaction, type EvmCase, SIGNERS, worldWrites } from "../src/fuzz/evmCase.ts";
import { randomCase } from "../src/fuzz/evmGenerator.ts";
import { MOST_GAS, USED_OPCODES } from "../src/fuzz/replayCase.ts";
import { MemoryState } from "../src/memoryState.ts";
import { SeededRandom } from "../src/seededRandom.ts";

export type RandomTransaction = {
  readonly state: MemoryState;
  readonly environment: BlockEnvironment;
  readonly message: TransactionMessage;
};

function messageOf(state: MemoryState, given: CaseTransaction): TransactionMessage {
  const from = SIGNERS[given.signer]!;
  const { to, maxFeePerGas, maxPriorityFeePerGas, value, accessList } = given;
  return {
    type: given.type === 4 ? 2 : given.type,
    from,
    to,
    nonce: state.account(from)?.nonce ?? 0n,
    gasLimit: given.gasLimit > MOST_GAS ? MOST_GAS : given.gasLimit,
    maxFeePerGas,
    maxPriorityFeePerGas,
    value,
    data: bytesOf(given.data),
    accessList,
    authorizations: [],
    l1Fee: 0n,
  };
}

function worldOf({ accounts }: EvmCase): MemoryState {
  const blockHash = (number: bigint): Hash => keccakHash(new TextEncoder().encode(`block ${number}`));
  const state = new MemoryState({ number: 1_002n, chainId: 1_337n, blockHash });
  state.apply(worldWrites(accounts));
  return state;
}

/** A charter that denies a signer a few opcodes that programs use, or none. */
function denySome(state: MemoryState, draw: Draw): void {
  if (!draw.onceIn(3)) return;
  let word = 0n;
  for (let i = draw.between(1, 3); i > 0; i--) {
    word |= 1n << BigInt(draw.pick(USED_OPCODES));
  }
  const slots = SIGNERS.map((signer) => [toWordHex(denySlotOf(signer)), word] as const);
  state.storages.set(PREDEPLOYS.executionManager, new Map(slots));
}

/** All transactions of a random case that are valid; the state that `check` sees is the one before its transaction. */
export async function eachRandom(
  engine: Engine,
  { run, seed, denies }: { readonly run: number; readonly seed: string; readonly denies: boolean },
  check: (transaction: RandomTransaction) => Promise<void>,
): Promise<void> {
  const draw = new Draw(new SeededRandom(`${seed}/${run}`));
  const given = randomCase(draw);
  const state = worldOf(given);
  if (denies) denySome(state, draw);
  const { baseFeePerGas, feeRecipient } = given;
  const prevRandao = toHash(toWordHex(BigInt(run)));
  const environment = { timestamp: 1_800_000_012n, baseFeePerGas, gasLimit: LIMITS.blockGas, prevRandao, feeRecipient };
  for (const transaction of given.transactions) {
    const message = messageOf(state, transaction);
    const [outcome] = await engine.execute(environment, [message], state);
    if (outcome?.kind !== "included") continue;
    await check({ state, environment, message });
    state.apply(outcome.writes);
  }
}
