/** mvm dac create, show, charter. */
import type { Command } from "commander";
import { asObserver, asOperator, observerOptions, operatorOptions } from "./asOperator.ts";

/** Adds the group. */
export function dacCommands(program: Command): void {
  const dac = program.command("dac").description("found a DAC, and look at one");
  operatorOptions(dac.command("create"))
    .description("create a DAC on L1; the operator of the data directory is its founder and pays")
    .requiredOption("--label <label>", "the DAC's subdomain")
    .requiredOption("--charter <file>", "JSON file with the charter")
    .option("--storage-units <n>", "units of storage to ask for, 1 to 1,024", "1")
    .option("--rpc <url>", "gateway at which to watch the DAC begin; without it, L1 is watched")
    .option("--no-wait", "do not wait for the block that seals the charter")
    .option("--dry-run", "only check label and charter, here and on L1; send nothing")
    .action(async (options) => {
      const { checkNewDac } = await import("@mvm/node/operator");
      const asked = {
        label: options.label,
        charterFile: options.charter,
        storageUnits: Number(options.storageUnits),
        dryRun: options.dryRun === true,
        wait: options.wait,
        ...(options.rpc !== undefined && { rpcUrl: options.rpc }),
      };
      await checkNewDac(asked);
      await asOperator(options, (node, operator) => node.createDacOnL1(operator, asked));
    });
  observerOptions(dac.command("show <label>"))
    .description("a DAC's record, threshold, money and head on L1")
    .action((label, options) => asObserver(options, (node, observer) => node.dacInformation(observer, label)));
  observerOptions(dac.command("charter <label>"))
    .description("a DAC's charter: as it was founded, or with --rpc as it stands")
    .option("--rpc <url>", "gateway of the DAC")
    .action((label, options) =>
      asObserver(options, (node, observer) =>
        options.rpc === undefined
          ? node.foundingCharter(observer, label)
          : node.presentCharter(observer, label, options.rpc),
      ),
    );
}
