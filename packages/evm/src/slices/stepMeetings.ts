/** What an opcode meets, by its operands; whether it can pay for it is not asked (decision 036). */
import { PREDEPLOYS } from "@mvm/protocol";
import { MAX_CODE_BYTES } from "../calls.ts";
import { type Frame, toOffset } from "../frame.ts";
import { type CallKind, callOperands, createdBy, MAX_INITCODE_BYTES, MAX_NONCE } from "../instructions/calling.ts";
import { MAX_CALL_DEPTH, type Machine } from "../machine.ts";
import type { AccountState } from "../transactionState.ts";
import { addressOfWord } from "../words.ts";
import type { View } from "./machineState.ts";
import type { Meeting, SliceMeter } from "./sliceMeter.ts";
import { SLICE } from "./sliceRules.ts";

/** How far back BLOCKHASH sees. */
const BLOCK_HASH_WINDOW = 256n;

/** Bytes at the front of their input that precompiles of one size look at, by address; others look at all. */
const LOOKED_AT = new Map([
  [0x01n, 128],
  [0x05n, 96 + 3 * 1_024],
  [0x06n, 128],
  [0x07n, 96],
]);

/** Precompiles whose price may be beyond SLICE.precompileGas: RIPEMD-160, modexp, pairings, BLAKE2f, sums of products. */
const DEAR = new Set([0x03n, 0x05n, 0x08n, 0x09n, 0x0cn, 0x0en, 0x0fn]);

export type Step = {
  readonly machine: Machine;
  readonly frame: Frame;
  readonly meter: SliceMeter;
  readonly input: View;
  readonly returned: View;
};

type Question = (step: Step) => Meeting;

/** Asks one after the other as long as they are met. */
function all(...questions: readonly (() => Meeting)[]): Meeting {
  for (const question of questions) {
    const meeting = question();
    if (meeting !== "met") return meeting;
  }
  return "met";
}

/** A stack word, counted from the top. */
const operand = ({ frame }: Step, place: number): bigint => frame.stack[frame.sp - 1 - place]!;
const offsetAt = (step: Step, place: number): number => toOffset(operand(step, place));

/** A range of memory whose offset and length are operands. */
const range =
  (offset: number, length: number): Question =>
  (step) => {
    const bytes = offsetAt(step, length);
    if (bytes > step.machine.rules.rangeBytes) return "met";
    return step.meter.memory(offsetAt(step, offset), bytes);
  };

/** So many bytes at an operand. */
const word =
  (bytes: number): Question =>
  (step) =>
    step.meter.memory(offsetAt(step, 0), bytes);

/** The part of a view that an operand's offset and a length name. */
function within(view: View, from: bigint, length: number): { offset: number; bytes: number } {
  if (from >= BigInt(view.length)) return { offset: 0, bytes: 0 };
  return { offset: view.offset + Number(from), bytes: Math.min(length, view.length - Number(from)) };
}

function readInput({ meter, input }: Step, from: bigint, length: number): Meeting {
  const { offset, bytes } = within(input, from, length);
  return meter.input(offset, bytes);
}

function readReturned({ meter, returned }: Step, from: bigint, length: number): Meeting {
  if (from + BigInt(length) > BigInt(returned.length)) return "met";
  const { offset, bytes } = within(returned, from, length);
  return meter.returned(offset, bytes);
}

/** Copying opcodes: where to, where from, how much. */
const copying =
  (read: (step: Step, from: bigint, length: number) => Meeting): Question =>
  (step) => {
    const length = offsetAt(step, 2);
    if (length > step.machine.rules.rangeBytes) return "met";
    return all(
      () => read(step, operand(step, 1), length),
      () => step.meter.memory(offsetAt(step, 0), length, true),
    );
  };

const copyMemory: Question = (step) => {
  const length = offsetAt(step, 2);
  if (2 * length > step.machine.rules.rangeBytes) return "met";
  return all(
    () => step.meter.memory(offsetAt(step, 1), length),
    () => step.meter.memory(offsetAt(step, 0), length, true),
  );
};

const accountAt = (step: Step, place: number): AccountState =>
  step.machine.state.entry(addressOfWord(operand(step, place)));

const account: Question = (step) => step.meter.account(accountAt(step, 0));

const codeSize: Question = (step) => {
  const looked = accountAt(step, 0);
  return all(
    () => step.meter.account(looked),
    () => step.meter.code(looked),
  );
};

const codeCopy: Question = (step) => {
  const length = offsetAt(step, 3);
  if (length > step.machine.rules.rangeBytes) return "met";
  const looked = accountAt(step, 0);
  return all(
    () => step.meter.memory(offsetAt(step, 1), length, true),
    () => step.meter.account(looked),
    () => (length === 0 ? "met" : step.meter.code(looked)),
  );
};

const blockHash: Question = (step) => {
  const wanted = operand(step, 0);
  const current = step.machine.state.blockNumber();
  if (current === undefined) return "pending";
  if (wanted >= current || current - wanted > BLOCK_HASH_WINDOW) return "met";
  return step.meter.blockHash(wanted);
};

const slot: Question = (step) => step.meter.slot(step.frame.account, operand(step, 0));
const transient: Question = (step) => step.meter.transient(step.frame.account, operand(step, 0));

/** The account whose code a call runs, and by a delegation another one. */
function meetCode({ machine, meter }: Step, called: AccountState): Meeting {
  return all(
    () => meter.account(called),
    () => meter.code(called),
    () => {
      const code = machine.state.codeOf(called)!;
      if (code.delegate === null) return "met";
      const delegate = machine.state.entry(code.delegate);
      return all(
        () => meter.account(delegate),
        () => meter.code(delegate),
      );
    },
  );
}

const calling =
  (kind: CallKind): Question =>
  (step) => {
    const { machine, frame, meter } = step;
    const operands = callOperands(frame, machine, kind);
    const { account: called, value, requested, inOffset, inLength, outOffset, outLength } = operands;
    if (kind === "call" && value !== 0n && frame.isStatic) return "met";
    if (inLength + outLength > machine.rules.rangeBytes) return "met";
    if (!machine.rules.precompiles.has(called.address)) return meetCode(step, called);
    const looked = Math.min(inLength, LOOKED_AT.get(BigInt(called.address)) ?? inLength);
    const isDear =
      DEAR.has(BigInt(called.address)) && requested > BigInt(SLICE.precompileGas) && frame.gas > SLICE.precompileGas;
    return all(
      () => (isDear ? meter.whole() : "met"),
      () => meter.memory(inOffset, looked),
      () => meter.memory(outOffset, outLength),
      () => (value === 0n ? "met" : meter.account(called)),
    );
  };

const creating =
  (isSalted: boolean): Question =>
  (step) => {
    const { machine, frame, meter } = step;
    const [value, offset, length] = [operand(step, 0), offsetAt(step, 1), offsetAt(step, 2)];
    if (frame.isStatic || length > MAX_INITCODE_BYTES) return "met";
    const creator = frame.account;
    const fails = creator.balance < value || creator.nonce >= MAX_NONCE || frame.depth >= MAX_CALL_DEPTH;
    return all(
      () => meter.memory(offset, length),
      () => {
        if (fails || (length !== 0 && !Number.isFinite(offset))) return "met";
        const salt = isSalted ? operand(step, 3) : null;
        return meter.account(machine.state.entry(createdBy(creator, salt, frame.peek(offset, length))));
      },
    );
  };

const selfDestruct: Question = (step) => {
  const { machine, frame, meter } = step;
  if (frame.isStatic) return "met";
  const heir = accountAt(step, 0);
  const { created, balance } = frame.account;
  return all(
    () => meter.account(heir),
    () => {
      const burns = created && heir === frame.account && balance !== 0n;
      return burns ? meter.account(machine.state.entry(PREDEPLOYS.burnVault)) : "met";
    },
  );
};

/** The code that a creation gives back is looked at; any other output stays where it is. */
const returning: Question = (step) => {
  const length = offsetAt(step, 1);
  if (!step.frame.isCreate || length > MAX_CODE_BYTES) return "met";
  return step.meter.memory(offsetAt(step, 0), length);
};

const QUESTIONS = new Map<number, Question>([
  [0x20, range(0, 1)],
  [0x31, account],
  [0x35, (step) => readInput(step, operand(step, 0), 32)],
  [0x37, copying(readInput)],
  [0x39, copying(() => "met")],
  [0x3b, codeSize],
  [0x3c, codeCopy],
  [0x3e, copying(readReturned)],
  [0x3f, account],
  [0x40, blockHash],
  [0x51, word(32)],
  [0x52, word(32)],
  [0x53, word(1)],
  [0x54, slot],
  [0x55, slot],
  [0x5c, transient],
  [0x5d, transient],
  [0x5e, copyMemory],
  ...[0xa0, 0xa1, 0xa2, 0xa3, 0xa4].map((opcode): [number, Question] => [opcode, range(0, 1)]),
  [0xf0, creating(false)],
  [0xf1, calling("call")],
  [0xf2, calling("callcode")],
  [0xf3, returning],
  [0xf4, calling("delegatecall")],
  [0xf5, creating(true)],
  [0xfa, calling("staticcall")],
  [0xff, selfDestruct],
]);

/** Meets what the opcode at which the frame stands needs; its stack bounds hold and its static gas is there. */
export function meetStep(step: Step, opcode: number): Meeting {
  return QUESTIONS.get(opcode)?.(step) ?? "met";
}

/** Pages of memory that an opcode may have written, as a range; null: none. */
export function writtenBy({ frame, machine }: Step, opcode: number): { offset: number; length: number } | null {
  const at = (place: number): number => toOffset(frame.stack[frame.sp - 1 - place]!);
  if (opcode === 0x52 || opcode === 0x53) return { offset: at(0), length: opcode === 0x52 ? 32 : 1 };
  if (opcode === 0x37 || opcode === 0x39 || opcode === 0x3e || opcode === 0x5e) return { offset: at(0), length: at(2) };
  if (opcode === 0x3c) return { offset: at(1), length: at(3) };
  const kind = CALLS.get(opcode);
  if (kind === undefined) return null;
  const { outOffset, outLength } = callOperands(frame, machine, kind);
  return { offset: outOffset, length: outLength };
}

const CALLS = new Map<number, CallKind>([
  [0xf1, "call"],
  [0xf2, "callcode"],
  [0xf4, "delegatecall"],
  [0xfa, "staticcall"],
]);
