/** Cases of the fuzzer `replay`: a DAC's state under a charter, and a block upon it. */
import {
  type AccountWrite,
  type Address,
  aliasOf,
  allowSlotOf,
  CHARTER_SLOTS,
  concatBytes,
  contextTransaction,
  denySlotOf,
  genesisAccount,
  genesisWrites,
  keccak,
  LIMITS,
  PREDEPLOYS,
  PSEUDO_OPERATIONS,
  type SystemTransaction,
  settleTransaction,
  toAddress,
  toWord,
  toWordHex,
} from "@mvm/protocol";
import { FREE_FLAGS } from "../replay/storedState.ts";
import type { Draw } from "./draw.ts";
import { type EvmCase, SIGNERS, worldWrites } from "./evmCase.ts";

/** Number of the block. */
export const BLOCK_NUMBER = 1_002n;
/** Gas of L2 that one transaction here has at most: bounds what a random loop costs. */
export const MOST_GAS = 600_000n;
const SENDER_ON_L1 = toAddress("0x00000000000000000000000000000000000051e9");
/** Call of MVM_Coinbase.withdraw. */
const WITHDRAW = concatBytes(
  keccak(new TextEncoder().encode("withdraw(address)")).subarray(0, 4),
  toWord(BigInt(SENDER_ON_L1)),
);
/** Opcodes that random programs use. */
export const USED_OPCODES = [0x31, 0x3b, 0x40, 0x54, 0x55, 0x5b, 0x5c, 0xa0, 0xf0, 0xf1, 0xf4, 0xf5, 0xfa, 0xfe, 0xff];

/** What stands in a block beside its users' transactions; a forced one carries the user's transaction of that place. */
export type BlockPlan = {
  readonly charter: readonly AccountWrite[];
  readonly context: SystemTransaction;
  readonly queue: readonly (SystemTransaction | { readonly forced: number })[];
  readonly settle: SystemTransaction;
};

function someOpcodes(draw: Draw): bigint {
  let word = 0n;
  for (let i = draw.between(1, 3); i > 0; i--) word |= 1n << BigInt(draw.pick(USED_OPCODES));
  return draw.onceIn(8) ? word | (1n << BigInt(PSEUDO_OPERATIONS.TX)) : word;
}

/** Brackets of which each begins above the one before. */
function someBrackets(draw: Draw): bigint[] {
  const thresholds = Array.from({ length: draw.between(1, 4) }, (_, i) => BigInt(i) * BigInt(draw.between(1, 1_000)));
  return [...new Set(thresholds)]
    .sort((a, b) => (a < b ? -1 : 1))
    .map((from) => (from << 16n) | BigInt(draw.between(1, 9_000)));
}

/** A charter's compiled words: none, rules of either kind, tax, or all of it. */
function charterWrites(draw: Draw): readonly AccountWrite[] {
  const kind = draw.between(0, 5);
  const slots = new Map<bigint, bigint>();
  let flags = 0n;
  if (kind < 3) flags = FREE_FLAGS;
  else {
    const allows = draw.onceIn(2);
    const denies = draw.onceIn(2);
    const brackets = draw.onceIn(2) ? someBrackets(draw) : [];
    if (allows) {
      const word = someOpcodes(draw);
      slots.set(CHARTER_SLOTS.restricted, word);
      for (const signer of SIGNERS) if (!draw.onceIn(3)) slots.set(allowSlotOf(signer), word);
    }
    if (denies)
      for (const signer of SIGNERS)
        if (draw.onceIn(2)) slots.set(denySlotOf(signer), someOpcodes(draw));
        else flags |= 1n << 16n;
    flags |= BigInt(brackets.length) << 8n;
    for (let i = 0; i < brackets.length; i += 2)
      slots.set(CHARTER_SLOTS.brackets + BigInt(i / 2), brackets[i]! | ((brackets[i + 1] ?? 0n) << 128n));
  }
  slots.set(CHARTER_SLOTS.flags, flags);
  const address = PREDEPLOYS.executionManager;
  const written = [...slots]
    .filter(([, value]) => value !== 0n)
    .map(([slot, value]) => ({ slot: toWordHex(slot), value }));
  return [{ address, account: genesisAccount(address)!, code: null, slots: written }];
}

function queueItem(draw: Draw, targets: readonly Address[], index: number): BlockPlan["queue"][number] {
  const wei = BigInt(draw.between(0, 1_000_000));
  const base = { index: BigInt(index), mint: 0n, value: 0n, gasLimit: 0n, data: new Uint8Array(0) };
  switch (draw.between(0, 3)) {
    case 0:
      return { ...base, source: "deposit", from: SENDER_ON_L1, to: draw.pick([...targets, ...SIGNERS]), mint: wei };
    case 1: {
      const gasLimit = draw.onceIn(10) ? LIMITS.transactionGas + 1n : BigInt(draw.between(0, Number(MOST_GAS)));
      const value = draw.onceIn(3) ? 0n : wei / 2n;
      const from = draw.onceIn(2) ? aliasOf(SENDER_ON_L1) : draw.pick(SIGNERS);
      const item = { ...base, source: "message", from, mint: wei, value, gasLimit } as const;
      return draw.onceIn(3)
        ? { ...item, to: PREDEPLOYS.coinbase, data: WITHDRAW }
        : { ...item, to: draw.pick(targets) };
    }
    case 2: {
      const to = draw.pick([PREDEPLOYS.coinbase, PREDEPLOYS.tokenBridge, ...targets]);
      return { ...base, source: "exit", from: draw.pick([...SIGNERS, ...targets]), to, value: wei, gasLimit: MOST_GAS };
    }
    default:
      return { forced: draw.between(0, 3) };
  }
}

/** What stands around the users' transactions of a case. */
export function randomPlan(draw: Draw, { accounts }: EvmCase): BlockPlan {
  const targets = accounts.map(({ address }) => address);
  const values = { slot: 5n, l1Block: 44n, l1BaseFee: BigInt(draw.between(0, 40)), generation: 0n };
  const paid = draw.onceIn(2) ? SIGNERS.slice(0, 2) : [];
  const seen = draw.onceIn(3) ? targets.slice(0, 3) : [];
  const seated = draw.between(0, paid.length);
  const settlement = { sequencer: SIGNERS[3]!, providers: paid, seated, l1Fees: BigInt(draw.between(0, 100)), seen };
  return {
    charter: charterWrites(draw),
    context: contextTransaction(BLOCK_NUMBER, values, draw.between(2, 9)),
    queue: Array.from({ length: draw.between(0, 2) }, (_, i) => queueItem(draw, targets, i)),
    settle: settleTransaction(BLOCK_NUMBER, settlement),
  };
}

/** All that is in the state before the block. */
export const stateWrites = (plan: BlockPlan, { accounts }: EvmCase): readonly (readonly AccountWrite[])[] => [
  genesisWrites(),
  plan.charter,
  worldWrites(accounts),
];
