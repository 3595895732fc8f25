/** mvm stake, unstake. */
import type { Command } from "commander";
import { asOperator, operatorOptions } from "./asOperator.ts";

/** Adds the group. */
export function stakeCommands(program: Command): void {
  operatorOptions(program.command("stake <MT>"))
    .description("stake MT with a sequencer: the operator itself, or another")
    .option("--sequencer <address>", "whom to stake with")
    .action((amount, options) =>
      asOperator(options, (node, operator) =>
        node.stakeWith(operator, amount, options.sequencer && node.parseAddress(options.sequencer)),
      ),
    );
  operatorOptions(program.command("unstake [MT]"))
    .description('ask MT (or "all") back from a sequencer, and after the delay, with --withdraw, get them')
    .option("--sequencer <address>", "with whom they are staked")
    .option("--withdraw <id>", "pay out what was asked back under this id")
    .action((amount: string | undefined, options) =>
      asOperator(options, (node, operator) => {
        const sequencer = options.sequencer && node.parseAddress(options.sequencer);
        if (amount !== undefined && options.withdraw === undefined)
          return node.startUnstake(operator, amount, sequencer);
        if (amount === undefined && options.withdraw !== undefined)
          return node.finishUnstake(operator, options.withdraw, sequencer);
        throw new node.ConfigError("invalid", "give an amount to ask back, or --withdraw ID");
      }),
    );
}
