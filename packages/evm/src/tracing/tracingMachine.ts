/**
 * The machine with hooks: a loop of its own, so that the other one has neither a check nor a branch for them. What a
 * step does to messages is told from the operands before it, priced by the opcodes' own functions, and from the
 * machine after it; a message that has no code or is a precompile is over when its opcode is.
 */
import { setImmediate as nextTurn } from "node:timers/promises";
import { type Address, hasOpcode } from "@mvm/protocol";
import { leaveFrame, type MessageCall, type MessageResult } from "../calls.ts";
import { type Frame, type HaltReason, STACK_LIMIT } from "../frame.ts";
import type { InstructionTables } from "../instructions/table.ts";
import { Machine } from "../machine.ts";
import type { Rules } from "../rules.ts";
import { CONTINUE, PENDING, REVERT, type Signal, STOP, SWITCH } from "../signals.ts";
import { addressOfWord } from "../words.ts";
import { isMessageOpcode, type MessagePlan, planMessage } from "./messagePlan.ts";
import type { StepDetail, Tracer } from "./tracer.ts";
import { DENIED, haltText, mnemonicOf, REVERTED } from "./wording.ts";

const EMPTY = new Uint8Array(0);
/** Steps after which timers and other work get their turn, and with them a deadline. */
const STEPS_A_TURN = 50_000;
const SLOAD = 0x54;
const SSTORE = 0x55;
const LOG0 = 0xa0;
const LOG4 = 0xa4;
const SELFDESTRUCT = 0xff;

/** What a step's hook is told that the opcode may change. */
type Before = {
  readonly pc: number;
  readonly opcode: number;
  readonly gas: number;
  readonly sp: number;
  readonly refund: number;
  readonly stack: readonly bigint[] | null;
  readonly memory: Uint8Array | null;
  readonly returnData: Uint8Array | null;
  /** operand on top, and the one below it */
  readonly top: bigint;
  readonly second: bigint;
  /** of the frame's account */
  readonly balance: bigint;
  readonly plan: MessagePlan | null;
};

/** Why a message failed; null: it did not. */
export function errorOf({ status, halt: reason }: MessageResult): string | null {
  if (status === "success") return null;
  return status === "revert" || reason === null ? REVERTED : haltText(reason);
}

export class TracingMachine extends Machine {
  readonly #tracer: Tracer;
  /** gas of the frames under way, by depth */
  readonly #gasAtEntry: number[] = [];
  /** a message whose precompile answers later, and the caller's gas meanwhile */
  #late: { readonly plan: MessagePlan; readonly gas: number } | null = null;
  /** why the last frame that failed did */
  #failure = "";
  #stepsLeft = STEPS_A_TURN;
  /** target of the outermost message that ran last */
  lastTarget: Address | null = null;

  constructor(rules: Rules, tables: InstructionTables, tracer: Tracer) {
    super(rules, tables);
    this.#tracer = tracer;
  }

  override async execute(
    message: MessageCall,
    wait: (pending: Promise<unknown>) => Promise<unknown>,
  ): Promise<MessageResult> {
    this.lastTarget = message.target.address;
    this.#failure = "";
    if (!this.#tracer.followsMessages) return super.execute(message, wait);
    const { isCreate, caller, target, value, gas } = message;
    const input = isCreate ? message.code.bytes : message.input;
    const type = isCreate ? "CREATE" : "CALL";
    this.#tracer.onEnter(0, { type, from: caller, to: target.address, value, gas, input });
    const result = await super.execute(message, wait);
    const error = result.halt !== null && this.#failure !== "" ? this.#failure : errorOf(result);
    this.#tracer.onExit(0, { gasUsed: gas - result.gasLeft, output: result.output, error });
    return result;
  }

  protected override loop(first: Frame): "done" | "pending" {
    if (this.#late !== null) {
      const { plan, gas } = this.#late;
      this.#late = null;
      this.#endWhole(first, plan, gas);
    }
    let frame = first;
    for (;;) {
      if (--this.#stepsLeft === 0) {
        this.#stepsLeft = STEPS_A_TURN;
        this.state.pending = nextTurn();
        return "pending";
      }
      const detail = this.#tracer.stepDetail;
      const before = this.#look(frame, detail);
      const signal = this.step(frame, before.opcode);
      if (signal === PENDING && this.awaited === null) {
        frame.gas = before.gas;
        frame.sp = before.sp;
        return "pending";
      }
      if (detail !== null) this.#tellStep(frame, before, signal);
      if (this.#tracer.followsMessages) this.#tellMessage(frame, before, signal);
      if (signal === PENDING) return "pending";
      if (signal === CONTINUE) {
        frame.pc++;
        continue;
      }
      if (signal !== SWITCH) this.#leave(frame, before, signal);
      if (this.frame === null) return "done";
      frame = this.frame;
    }
  }

  #look(frame: Frame, detail: StepDetail | null): Before {
    const { pc, gas, sp, stack } = frame;
    const opcode = frame.code.padded[pc]!;
    return {
      pc,
      opcode,
      gas,
      sp,
      refund: this.state.refund,
      stack: detail?.stack ? stack.slice(0, sp) : null,
      memory: detail?.memory ? frame.memory.slice(0, frame.memoryWords * 32) : null,
      returnData: detail?.returnData ? frame.returnData : null,
      top: stack[sp - 1] ?? 0n,
      second: stack[sp - 2] ?? 0n,
      balance: frame.account.balance,
      plan: isMessageOpcode(opcode) ? this.#plan(frame, opcode) : null,
    };
  }

  /** The message that the frame's opcode begins; null where it comes to none. */
  #plan(frame: Frame, opcode: number): MessagePlan | null {
    const { gas: fees, least, most } = this.table;
    const fee = fees[opcode]!;
    if (this.#isDenied(opcode) || this.rules.gas[opcode]! < 0 || frame.gas < fee) return null;
    if (frame.sp < least[opcode]! || frame.sp > most[opcode]!) return null;
    frame.gas -= fee;
    const plan = planMessage(frame, this, opcode, this.#tracer.followsMessages);
    frame.gas += fee;
    return plan;
  }

  #isDenied(opcode: number): boolean {
    return hasOpcode(this.surroundings.denied, opcode);
  }

  #isHalt(signal: Signal): boolean {
    return signal !== CONTINUE && signal !== STOP && signal !== REVERT && signal !== PENDING && signal !== SWITCH;
  }

  /** Gas that the opcode took, by what geth counts as its own. */
  #costOf(frame: Frame, { opcode, gas, plan }: Before, signal: Signal): number {
    const fee = this.table.gas[opcode]!;
    if (this.#isHalt(signal)) return Math.max(gas - frame.gas, fee);
    if (plan === null) return gas - frame.gas;
    return fee + plan.cost + (plan.isCreate ? 0 : plan.handed);
  }

  #tellStep(frame: Frame, before: Before, signal: Signal): void {
    const { pc, opcode, gas, refund, stack, memory, returnData, top, second } = before;
    let slot = null;
    if (signal === CONTINUE && opcode === SLOAD) slot = { key: top, value: frame.stack[frame.sp - 1]! };
    else if (signal === CONTINUE && opcode === SSTORE) slot = { key: top, value: second };
    let error: string | null = null;
    if (this.#isDenied(opcode)) error = DENIED;
    else if (this.#isHalt(signal)) error = this.#describeHalt(frame.halt!, before);
    this.#tracer.onStep({
      pc,
      opcode,
      gas,
      gasCost: this.#costOf(frame, before, signal),
      depth: frame.depth + 1,
      address: frame.account.address,
      refund,
      stack,
      memory,
      returnData,
      slot,
      error,
    });
  }

  #describeHalt(reason: HaltReason, { opcode, sp }: Before): string {
    const text = haltText(reason);
    if (reason === "stack-underflow") return `${text} (${sp} <=> ${this.table.least[opcode]})`;
    if (reason === "stack-overflow") return `${text} ${sp} (${Math.min(this.table.most[opcode]!, STACK_LIMIT)})`;
    if (reason === "invalid-opcode") return `${text}: ${mnemonicOf(opcode)}`;
    return text;
  }

  /** Tells what the step began, and ended where nothing of it runs. */
  #tellMessage(frame: Frame, before: Before, signal: Signal): void {
    const { opcode, plan } = before;
    const depth = frame.depth + 1;
    if (opcode >= LOG0 && opcode <= LOG4 && signal === CONTINUE) this.#tracer.onLog(this.state.logs.at(-1)!);
    if (opcode === SELFDESTRUCT && signal === STOP) this.#tellDestruction(frame, before);
    if (plan === null) return;
    if (signal === PENDING) {
      this.#tracer.onEnter(depth, plan);
      this.#late = { plan, gas: frame.gas };
    } else if (signal === CONTINUE) {
      this.#tracer.onEnter(depth, plan);
      const error = plan.refusal ?? haltText("address-collision");
      this.#tracer.onExit(depth, { gasUsed: plan.refusal === null ? plan.gas : 0, output: EMPTY, error });
    } else if (signal === SWITCH && this.frame !== frame) {
      const { addressWord, gas } = this.frame!;
      this.#gasAtEntry[depth] = gas;
      this.#tracer.onEnter(depth, plan.isCreate ? { ...plan, to: addressOfWord(addressWord) } : plan);
    } else if (signal === SWITCH) {
      const to = plan.isCreate ? addressOfWord(frame.stack[frame.sp - 1]!) : plan.to;
      this.#tracer.onEnter(depth, { ...plan, to });
      this.#endWhole(frame, plan, before.gas - this.table.gas[opcode]! - plan.cost - plan.handed);
    }
  }

  /** Tells the end of a message without a frame, by what the caller has of it. */
  #endWhole(caller: Frame, plan: MessagePlan, callerGas: number): void {
    const error = caller.stack[caller.sp - 1] === 0n ? haltText("precompile-failure") : null;
    const gasUsed = plan.gas - (caller.gas - callerGas);
    this.#tracer.onExit(caller.depth + 1, { gasUsed, output: caller.returnData, error });
  }

  #tellDestruction(frame: Frame, { top, balance }: Before): void {
    const depth = frame.depth + 1;
    const { address } = frame.account;
    const entry = { from: address, to: addressOfWord(top), value: balance, gas: 0, input: EMPTY };
    this.#tracer.onEnter(depth, { type: "SELFDESTRUCT", ...entry });
    this.#tracer.onExit(depth, { gasUsed: 0, output: EMPTY, error: null });
  }

  /** Leaves a frame and tells how it ended; the outermost one's end is told by `execute`. */
  #leave(frame: Frame, before: Before, signal: Signal): void {
    if (this.#isHalt(signal)) this.#failure = this.#describeHalt(frame.halt!, before);
    leaveFrame(this, frame, signal);
    const isDepositFault = signal === STOP && frame.isCreate && frame.halt !== null;
    if (isDepositFault)
      this.#failure = frame.halt === "out-of-gas" ? "contract creation code storage out of gas" : haltText(frame.halt!);
    if (frame.depth === 0 || !this.#tracer.followsMessages) return;
    const halted = isDepositFault || this.#isHalt(signal);
    const gasUsed = this.#gasAtEntry[frame.depth]! - (halted ? 0 : frame.gas);
    const failure = signal === REVERT ? REVERTED : null;
    const output = halted ? EMPTY : frame.output;
    this.#tracer.onExit(frame.depth, { gasUsed, output, error: halted ? this.#failure : failure });
  }
}
