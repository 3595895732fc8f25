/** mvm ask, expire: what a DAC's batches commit to, shown on L1 or else. */
import type { AskOptions } from "@mvm/node/operator";
import { type Command, Option } from "commander";
import { asOperator, operatorOptions } from "./asOperator.ts";
import { blockNumber } from "./numbers.ts";

const ITEMS = ["blocks", "words", "checkpoints", "transactions"] as const satisfies readonly AskOptions["kind"][];

/** Adds the group. */
export function askCommands(program: Command): void {
  operatorOptions(program.command("ask <dac>"))
    .description("ask on L1 for what the batch that has a block commits to, and wait until it is shown there")
    .requiredOption("--block <n>", "a block in the batch", blockNumber)
    .addOption(new Option("--item <kind>", "what is to be shown").choices(ITEMS).makeOptionMandatory())
    .option("--max-price <MT>", "most that the ask may cost; by default what it costs now")
    .option("--out <file>", "new file for the answer")
    .option("--no-wait", "do not wait for the answer")
    .action((label: string, options) =>
      asOperator(options, (node, operator) =>
        node.askOnL1(operator, {
          label,
          block: options.block,
          kind: options.item,
          wait: options.wait,
          ...(options.maxPrice !== undefined && { maxPrice: options.maxPrice }),
          ...(options.out !== undefined && { outFile: options.out }),
        }),
      ),
    );
  operatorOptions(program.command("expire <dac>"))
    .description("drop the batch that has a block, where nobody showed in time what was asked for of it")
    .option("--block <n>", "a block in the batch", blockNumber)
    .option("--pay-back", "only get the prices back of own asks on batches that fell")
    .action((label: string, options) =>
      asOperator(options, (node, operator) => {
        if (options.block !== undefined && options.payBack === undefined)
          return node.expireOnL1(operator, label, options.block);
        if (options.block === undefined && options.payBack !== undefined) return node.payBackOnL1(operator, label);
        throw new node.ConfigError("invalid", "give --block N, or --pay-back");
      }),
    );
}
