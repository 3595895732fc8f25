/** The frames of the commands that act for the operator of a data directory. The node is loaded when it is needed. */
import type { Observer, Operator } from "@mvm/node/operator";
import type { Command } from "commander";
import { print, progress, stopSignal } from "../output.ts";
import { passwordOption, passwordSource } from "./password.ts";

type Node = typeof import("@mvm/node/operator");
type Result = Readonly<Record<string, unknown>>;

type ObserverFlags = { readonly data: string; readonly json?: boolean };
type OperatorFlags = ObserverFlags & { readonly passwordFile?: string; readonly withParent?: boolean };

/** Options of every command that only looks. */
export const observerOptions = (command: Command): Command =>
  command
    .requiredOption("--data <dir>", "data directory that `mvm init` made: keys, network, L1")
    .option("--json", "print JSON");

/** Options of every command that acts with the operator's keys. */
export const operatorOptions = (command: Command): Command => observerOptions(command).addOption(passwordOption());

/** Runs an action that needs no key for the operator of `--data` and prints what it gives. */
export async function asObserver(
  options: ObserverFlags,
  action: (node: Node, observer: Observer) => Promise<Result>,
): Promise<void> {
  const node = await import("@mvm/node/operator");
  const observer = { dataDir: options.data, env: process.env, signal: stopSignal().signal, onProgress: progress };
  print(options.json, await node.withObserver(observer, (opened) => action(node, opened)));
}

/** Runs an action as the operator of `--data` and prints what it gives. */
export async function asOperator(
  options: OperatorFlags,
  action: (node: Node, operator: Operator) => Promise<Result>,
): Promise<void> {
  const node = await import("@mvm/node/operator");
  const password = passwordSource(options.passwordFile);
  const stop = stopSignal();
  if (options.withParent) process.stdin.once("end", () => stop.abort()).resume();
  const operator = { dataDir: options.data, env: process.env, password, signal: stop.signal, onProgress: progress };
  try {
    print(options.json, await node.withOperator(operator, (opened) => action(node, opened)));
  } finally {
    if (options.withParent) process.stdin.destroy();
  }
}
