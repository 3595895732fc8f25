/** mvm init, start, rebuild, status: the node itself. */
import { type Command, Option } from "commander";
import { list, print, stopSignal } from "../output.ts";
import { asObserver, observerOptions } from "./asOperator.ts";
import { passwordOption, passwordSource } from "./password.ts";

function initCommand(program: Command): void {
  program
    .command("init")
    .description("make keys and a configuration in a data directory")
    .requiredOption("--data <dir>", "data directory")
    .requiredOption("--network <file>", "JSON file that describes the network (contracts, profile)")
    .requiredOption("--l1 <url>", "JSON-RPC URL of L1")
    .requiredOption("--roles <list>", "roles, separated by commas: provider, sequencer, storage, gateway", list)
    .option("--bootstrap <list>", "multiaddrs of peers to start from, separated by commas", list, [])
    .addOption(passwordOption())
    .option("--json", "print JSON")
    .action(async (options) => {
      const { initNode } = await import("@mvm/node/operator");
      const made = await initNode({
        dataDir: options.data,
        networkFile: options.network,
        l1Url: options.l1,
        roles: options.roles,
        bootstrap: options.bootstrap,
        password: passwordSource(options.passwordFile),
      });
      print(options.json, made);
    });
}

function startCommand(program: Command): void {
  program
    .command("start")
    .description("run the node until it is told to stop (Ctrl-C)")
    .requiredOption("--data <dir>", "data directory")
    .option("--roles <list>", "roles, instead of the configured ones", list)
    .option("--l1 <url>", "JSON-RPC URL of L1, instead of the configured one")
    .option("--bootstrap <list>", "peers to start from, instead of the configured ones", list)
    .addOption(passwordOption())
    .addOption(new Option("--with-parent", "stop when standard input closes: for programs that run nodes").hideHelp())
    .option("--json", "print JSON")
    .action(async (options) => {
      const flags = Object.fromEntries(
        Object.entries({ roles: options.roles, l1Url: options.l1, bootstrap: options.bootstrap }).filter(
          ([, value]) => value !== undefined,
        ),
      );
      const stop = stopSignal();
      if (options.withParent) process.stdin.once("end", () => stop.abort()).resume();
      try {
        const onReady = (ready: Readonly<Record<string, unknown>>): void => print(options.json, ready);
        const { runNode } = await import("@mvm/node");
        const password = passwordSource(options.passwordFile);
        await runNode({ dataDir: options.data, env: process.env, flags, password, signal: stop.signal, onReady });
      } finally {
        if (options.withParent) process.stdin.destroy();
      }
    });
}

function rebuildCommand(program: Command): void {
  program
    .command("rebuild")
    .description("rebuild a DAC's state from L1's data and print its root")
    .requiredOption("--from-l1", "from L1 (the only source there is)")
    .requiredOption("--dac <label>", "the DAC's label")
    .requiredOption("--network <file>", "JSON file that describes the network")
    .requiredOption("--l1 <url>", "JSON-RPC URL of L1")
    .option(
      "--archive <url>",
      "URL of the DAC at a gateway: for blobs that L1 has dropped, checked against their hashes",
    )
    .option("--json", "print JSON")
    .action(async (options) => {
      const { rebuildFromL1 } = await import("@mvm/node");
      const rebuilt = await rebuildFromL1({
        label: options.dac,
        networkFile: options.network,
        l1Url: options.l1,
        archiveUrl: options.archive,
      });
      print(options.json, rebuilt);
    });
}

/** Adds the group. */
export function nodeCommands(program: Command): void {
  initCommand(program);
  startCommand(program);
  rebuildCommand(program);
  observerOptions(program.command("status"))
    .description(
      "what the operator has on L1: balances, registrations, stakes, locks, turns; with --gateway, what it earned on DACs",
    )
    .option("--gateway <url>", "a gateway, http://HOST:PORT: shows fees that wait on its DACs")
    .action((options) =>
      asObserver(options, async (node, observer) => ({
        ...(await node.operatorStatus(observer)),
        ...(options.gateway !== undefined && (await node.earnings(observer, options.gateway))),
      })),
    );
}
