/** The frame of every command that acts with the keys of a data directory. The node is loaded when it is needed. */
import type { Operator } from "@mvm/node";
import type { Command } from "commander";
import { print, progress, stopSignal } from "../output.ts";

type Node = typeof import("@mvm/node");
type Result = Readonly<Record<string, unknown>>;

/** Options of every such command. */
export const operatorOptions = (command: Command): Command =>
  command
    .requiredOption("--data <dir>", "data directory that `mvm init` made: keys, network, L1")
    .option("--json", "print JSON");

/** Runs an action as the operator of `--data` and prints what it gives. */
export async function asOperator(
  options: { readonly data: string; readonly json?: boolean; readonly withParent?: boolean },
  action: (node: Node, operator: Operator) => Promise<Result>,
): Promise<void> {
  const node = await import("@mvm/node");
  const stop = stopSignal();
  if (options.withParent) process.stdin.once("end", () => stop.abort()).resume();
  const operator = { dataDir: options.data, env: process.env, signal: stop.signal, onProgress: progress };
  try {
    print(options.json, await node.withOperator(operator, (opened) => action(node, opened)));
  } finally {
    if (options.withParent) process.stdin.destroy();
  }
}
