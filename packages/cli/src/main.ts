/** The mvm command: reads arguments, calls the node, prints. The node is loaded when it is needed: help comes at once. */
import { Command } from "commander";
import { askCommands } from "./commands/ask.ts";
import { dacCommands } from "./commands/dac.ts";
import { moneyCommands } from "./commands/money.ts";
import { nodeCommands } from "./commands/node.ts";
import { proveCommand } from "./commands/prove.ts";
import { stakeCommands } from "./commands/stake.ts";

const EXIT_FAILURE = 1;

const program = new Command("mvm").description("A node of the MVM network").showHelpAfterError();
nodeCommands(program);
dacCommands(program);
stakeCommands(program);
moneyCommands(program);
askCommands(program);
proveCommand(program);

try {
  await program.parseAsync();
} catch (error) {
  const { code, message } = error as Error & { readonly code?: string };
  process.stderr.write(`mvm: ${message}${code === undefined ? "" : ` (${code})`}\n`);
  process.exitCode = EXIT_FAILURE;
}
