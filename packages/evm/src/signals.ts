/** What an opcode's handler says to the machine's loop. */
import type { Frame, HaltReason } from "./frame.ts";

/** go on with the next opcode */
export const CONTINUE = 0;
/** the frame ended well */
export const STOP = 1;
/** the frame ended, its changes are to be undone, gas left stays */
export const REVERT = 2;
/** the frame ended exceptionally; `frame.halt` says why */
const HALT = 3;
/** a value is awaited; the opcode runs again afterwards, or a precompile's answer is handed in */
export const PENDING = 4;
/** the current frame is another one now, or stands at another opcode */
export const SWITCH = 5;
export type Signal = typeof CONTINUE | typeof STOP | typeof REVERT | typeof HALT | typeof PENDING | typeof SWITCH;

/** Ends a frame exceptionally. */
export function halt(frame: Frame, reason: HaltReason): Signal {
  frame.halt = reason;
  return HALT;
}
