/** Opcodes that look at the message, transaction, block and other accounts. */
import type { Code } from "../code.ts";
import { type Frame, toOffset, wordCount } from "../frame.ts";
import type { Machine } from "../machine.ts";
import { CONTINUE, halt, PENDING, type Signal } from "../signals.ts";
import type { AccountState } from "../transactionState.ts";
import { addressOfWord } from "../words.ts";
import type { Handler, Instruction } from "./table.ts";

/** EIP-2929 */
export const WARM_GAS = 100;
export const COLD_ACCOUNT_GAS = 2_600;
const COPY_WORD_GAS = 3;
/** how far back BLOCKHASH sees */
const BLOCK_HASH_WINDOW = 256n;
/** wei per blob gas: the least of EIP-4844, as there are no blobs on a DAC's chain */
const BLOB_BASE_FEE = 1n;

function pushing(opcode: number, word: (frame: Frame, machine: Machine) => bigint): Instruction {
  const run: Handler = (frame, machine) => {
    frame.stack[frame.sp++] = word(frame, machine);
    return CONTINUE;
  };
  return { opcode, pops: 0, pushes: 1, run };
}

/** Opcodes whose value is read on demand. */
function fetching(opcode: number, word: (machine: Machine) => bigint | undefined): Instruction {
  const run: Handler = (frame, machine) => {
    const value = word(machine);
    if (value === undefined) return PENDING;
    frame.stack[frame.sp++] = value;
    return CONTINUE;
  };
  return { opcode, pops: 0, pushes: 1, run };
}

/** Pays for an account's access and reads it. */
function access(frame: Frame, machine: Machine, word: bigint, extraGas: number): AccountState | Signal {
  const account = machine.state.entry(addressOfWord(word));
  const cost = extraGas + (account.warm ? WARM_GAS : COLD_ACCOUNT_GAS);
  if (frame.gas < cost) return halt(frame, "out-of-gas");
  if (!machine.state.load(account)) return PENDING;
  frame.gas -= cost;
  return account;
}

function balance(frame: Frame, machine: Machine): Signal {
  const top = frame.sp - 1;
  const account = access(frame, machine, frame.stack[top]!, 0);
  if (typeof account === "number") return account;
  machine.state.warm(account);
  frame.stack[top] = account.balance;
  return CONTINUE;
}

function codeSize(frame: Frame, machine: Machine): Signal {
  const top = frame.sp - 1;
  const account = access(frame, machine, frame.stack[top]!, 0);
  if (typeof account === "number") return account;
  const code = machine.state.codeOf(account);
  if (code === undefined) return PENDING;
  machine.state.warm(account);
  frame.stack[top] = BigInt(code.bytes.length);
  return CONTINUE;
}

function codeHash(frame: Frame, machine: Machine): Signal {
  const top = frame.sp - 1;
  const account = access(frame, machine, frame.stack[top]!, 0);
  if (typeof account === "number") return account;
  machine.state.warm(account);
  frame.stack[top] = account.isEmpty ? 0n : BigInt(account.codeHash);
  return CONTINUE;
}

function codeCopy(frame: Frame, machine: Machine): Signal {
  const { stack, sp } = frame;
  const offset = toOffset(stack[sp - 2]!);
  const length = toOffset(stack[sp - 4]!);
  if (length > machine.rules.rangeBytes) return halt(frame, "out-of-gas");
  const memoryGas = frame.memoryGas(offset, length);
  const account = access(frame, machine, stack[sp - 1]!, memoryGas + COPY_WORD_GAS * wordCount(length));
  if (typeof account === "number") return account;
  let code: Code | undefined;
  if (length !== 0) {
    code = machine.state.codeOf(account);
    if (code === undefined) return PENDING;
  }
  machine.state.warm(account);
  frame.sp = sp - 4;
  frame.grow(offset, length);
  if (code !== undefined) frame.copyIn(offset, code.bytes, stack[sp - 3]!, length);
  return CONTINUE;
}

function blockHash(frame: Frame, machine: Machine): Signal {
  const top = frame.sp - 1;
  const wanted = frame.stack[top]!;
  const current = machine.state.blockNumber();
  if (current === undefined) return PENDING;
  if (wanted >= current || current - wanted > BLOCK_HASH_WINDOW) {
    frame.stack[top] = 0n;
    return CONTINUE;
  }
  const hash = machine.state.blockHash(wanted);
  if (hash === undefined) return PENDING;
  frame.stack[top] = BigInt(hash);
  return CONTINUE;
}

const noBlobHash: Handler = (frame) => {
  frame.stack[frame.sp - 1] = 0n;
  return CONTINUE;
};

export const surroundings: readonly Instruction[] = [
  pushing(0x30, (frame) => frame.addressWord),
  { opcode: 0x31, pops: 1, pushes: 1, run: balance },
  pushing(0x32, (_, machine) => machine.surroundings.originWord),
  pushing(0x33, (frame) => BigInt(frame.caller)),
  pushing(0x34, (frame) => frame.value),
  pushing(0x3a, (_, machine) => machine.surroundings.gasPrice),
  { opcode: 0x3b, pops: 1, pushes: 1, run: codeSize },
  { opcode: 0x3c, pops: 4, pushes: 0, run: codeCopy },
  { opcode: 0x3f, pops: 1, pushes: 1, run: codeHash },
  { opcode: 0x40, pops: 1, pushes: 1, run: blockHash },
  pushing(0x41, (_, machine) => BigInt(machine.surroundings.environment.feeRecipient)),
  pushing(0x42, (_, machine) => machine.surroundings.environment.timestamp),
  fetching(0x43, (machine) => machine.state.blockNumber()),
  pushing(0x44, (_, machine) => BigInt(machine.surroundings.environment.prevRandao)),
  pushing(0x45, (_, machine) => machine.surroundings.environment.gasLimit),
  fetching(0x46, (machine) => machine.state.chainId()),
  pushing(0x47, (frame) => frame.account.balance),
  pushing(0x48, (_, machine) => machine.surroundings.environment.baseFeePerGas),
  { opcode: 0x49, pops: 1, pushes: 1, run: noBlobHash },
  pushing(0x4a, () => BLOB_BASE_FEE),
];
