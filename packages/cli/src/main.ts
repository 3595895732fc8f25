/** The mvm command: reads arguments, calls the node, prints. The node is loaded when it is needed: help comes at once. */
import type { ConfigError } from "@mvm/node";
import { Command, Option } from "commander";

const EXIT_FAILURE = 1;

function print(json: boolean, value: Readonly<Record<string, unknown>>): void {
  const text = json
    ? JSON.stringify(value)
    : Object.entries(value)
        .map(([key, entry]) => `${key}: ${typeof entry === "object" ? JSON.stringify(entry) : String(entry)}`)
        .join("\n");
  process.stdout.write(`${text}\n`);
}

const list = (text: string): string[] => text.split(",").filter(Boolean);

const program = new Command("mvm").description("A node of the MVM network").showHelpAfterError();

program
  .command("init")
  .description("make keys and a configuration in a data directory")
  .requiredOption("--data <dir>", "data directory")
  .requiredOption("--network <file>", "JSON file that describes the network (contracts, profile)")
  .requiredOption("--l1 <url>", "JSON-RPC URL of L1")
  .requiredOption("--roles <list>", "roles, separated by commas: provider, sequencer, storage, gateway", list)
  .option("--bootstrap <list>", "multiaddrs of peers to start from, separated by commas", list, [])
  .option("--json", "print JSON")
  .action(async (options) => {
    const { initNode } = await import("@mvm/node");
    const made = await initNode({
      dataDir: options.data,
      networkFile: options.network,
      l1Url: options.l1,
      roles: options.roles,
      bootstrap: options.bootstrap,
    });
    print(options.json, made);
  });

program
  .command("start")
  .description("run the node until it is told to stop (Ctrl-C)")
  .requiredOption("--data <dir>", "data directory")
  .option("--roles <list>", "roles, instead of the configured ones", list)
  .option("--l1 <url>", "JSON-RPC URL of L1, instead of the configured one")
  .option("--bootstrap <list>", "peers to start from, instead of the configured ones", list)
  .addOption(new Option("--with-parent", "stop when standard input closes: for programs that run nodes").hideHelp())
  .option("--json", "print JSON")
  .action(async (options) => {
    const flags = Object.fromEntries(
      Object.entries({ roles: options.roles, l1Url: options.l1, bootstrap: options.bootstrap }).filter(
        ([, value]) => value !== undefined,
      ),
    );
    const stop = new AbortController();
    for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => stop.abort());
    if (options.withParent) process.stdin.once("end", () => stop.abort()).resume();
    try {
      const onReady = (ready: Readonly<Record<string, unknown>>): void => print(options.json, ready);
      const { runNode } = await import("@mvm/node");
      await runNode({ dataDir: options.data, env: process.env, flags, signal: stop.signal, onReady });
    } finally {
      if (options.withParent) process.stdin.destroy();
    }
  });

program
  .command("rebuild")
  .description("rebuild a DAC's state from L1 data alone and print its root")
  .requiredOption("--from-l1", "from L1 (the only source there is)")
  .requiredOption("--dac <label>", "the DAC's label")
  .requiredOption("--network <file>", "JSON file that describes the network")
  .requiredOption("--l1 <url>", "JSON-RPC URL of L1")
  .option("--json", "print JSON")
  .action(async (options) => {
    const { rebuildFromL1 } = await import("@mvm/node");
    const rebuilt = await rebuildFromL1({ label: options.dac, networkFile: options.network, l1Url: options.l1 });
    print(options.json, rebuilt);
  });

const dac = program.command("dac").description("found a DAC");

dac
  .command("create")
  .description("create a DAC on L1; the operator of the data directory is its founder and pays")
  .requiredOption("--data <dir>", "data directory that `mvm init` made")
  .requiredOption("--label <label>", "the DAC's subdomain")
  .requiredOption("--charter <file>", "JSON file with the charter")
  .option("--dry-run", "only check label and charter, here and on L1; send nothing")
  .option("--json", "print JSON")
  .action(async (options) => {
    const stop = new AbortController();
    for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => stop.abort());
    const { createDacOnL1 } = await import("@mvm/node");
    const created = await createDacOnL1({
      dataDir: options.data,
      label: options.label,
      charterFile: options.charter,
      dryRun: options.dryRun === true,
      env: process.env,
      signal: stop.signal,
    });
    print(options.json, created);
  });

try {
  await program.parseAsync();
} catch (error) {
  const { code, message } = error as Partial<ConfigError> & Error;
  process.stderr.write(`mvm: ${message}${code === undefined ? "" : ` (${code})`}\n`);
  process.exitCode = EXIT_FAILURE;
}
