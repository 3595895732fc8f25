/** Storage and transient storage (EIP-2200, 2929, 3529, 1153). */
import type { Frame } from "../frame.ts";
import type { Machine } from "../machine.ts";
import { CONTINUE, halt, PENDING, type Signal } from "../signals.ts";
import { WARM_GAS } from "./surroundings.ts";
import type { Instruction } from "./table.ts";

const COLD_SLOT_GAS = 2_100;
/** SSTORE needs more than this, so that a call's stipend cannot pay for it */
const SENTRY_GAS = 2_300;
const SET_GAS = 20_000;
/** 5,000 less what the cold access costs by itself */
const RESET_GAS = 2_900;
const CLEAR_REFUND = 4_800;

function load(frame: Frame, machine: Machine): Signal {
  const { state } = machine;
  const top = frame.sp - 1;
  const slot = state.slotEntry(frame.account, frame.stack[top]!);
  const cost = slot.warm ? WARM_GAS : COLD_SLOT_GAS;
  if (frame.gas < cost) return halt(frame, "out-of-gas");
  if (!state.loadSlot(frame.account, slot)) return PENDING;
  frame.gas -= cost;
  state.warm(slot);
  frame.stack[top] = slot.current;
  return CONTINUE;
}

/** Change of the refund counter when a slot's value goes from `current` to `value` (EIP-3529). */
function refundOf(original: bigint, current: bigint, value: bigint): number {
  let refund = 0;
  if (original !== 0n) {
    if (current === 0n) refund -= CLEAR_REFUND;
    else if (value === 0n) refund += CLEAR_REFUND;
  }
  if (original === value && original !== current) refund += (original === 0n ? SET_GAS : RESET_GAS) - WARM_GAS;
  return refund;
}

function store(frame: Frame, machine: Machine): Signal {
  const { state } = machine;
  if (frame.isStatic) return halt(frame, "static-violation");
  if (frame.gas <= SENTRY_GAS) return halt(frame, "out-of-gas");
  const { stack, sp } = frame;
  const slot = state.slotEntry(frame.account, stack[sp - 1]!);
  const value = stack[sp - 2]!;
  if (!state.loadSlot(frame.account, slot)) return PENDING;
  const { original, current } = slot;
  let cost = slot.warm ? 0 : COLD_SLOT_GAS;
  if (current === value || original !== current) cost += WARM_GAS;
  else cost += original === 0n ? SET_GAS : RESET_GAS;
  if (frame.gas < cost) return halt(frame, "out-of-gas");
  frame.gas -= cost;
  frame.sp = sp - 2;
  state.warm(slot);
  if (current !== value) {
    state.refund += refundOf(original, current, value);
    state.setSlot(frame.account, slot, value);
  }
  return CONTINUE;
}

function transientLoad(frame: Frame, machine: Machine): Signal {
  const top = frame.sp - 1;
  frame.stack[top] = machine.state.transientValue(frame.account, frame.stack[top]!);
  return CONTINUE;
}

function transientStore(frame: Frame, machine: Machine): Signal {
  if (frame.isStatic) return halt(frame, "static-violation");
  frame.sp -= 2;
  machine.state.setTransient(frame.account, frame.stack[frame.sp + 1]!, frame.stack[frame.sp]!);
  return CONTINUE;
}

export const storage: readonly Instruction[] = [
  { opcode: 0x54, pops: 1, pushes: 1, run: load },
  { opcode: 0x55, pops: 2, pushes: 0, run: store },
  { opcode: 0x5c, pops: 1, pushes: 1, run: transientLoad },
  { opcode: 0x5d, pops: 2, pushes: 0, run: transientStore },
];
