/** mvm prove: on L1, that a sequencer posted what is wrong; or, for its claim, that a DAC's transaction withdrew. */
import { type Command, Option } from "commander";
import { list, print } from "../output.ts";
import { asObserver, asOperator, operatorOptions } from "./asOperator.ts";
import { blockNumber, countFrom0 } from "./numbers.ts";

type Node = typeof import("@mvm/node/operator");
type Observer = import("@mvm/node/operator").Observer;
type Operator = import("@mvm/node/operator").Operator;
type Result = Readonly<Record<string, unknown>>;

type Flags = {
  readonly dac?: readonly string[];
  readonly block?: bigint;
  readonly tx?: number;
  readonly watch?: true;
  readonly dryRun?: true;
  readonly archive?: string;
  readonly maxPrice?: string;
  readonly rpc?: string;
  readonly out?: string;
  readonly message?: number;
  readonly json?: boolean;
};

function proveWithdrawal(node: Node, observer: Observer, label: string, hash: string, flags: Flags): Promise<Result> {
  const { rpc, out, message = 0 } = flags;
  if (rpc === undefined) throw new node.ConfigError("invalid", "give the DAC's gateway: --rpc URL");
  return node.prove(observer, {
    label,
    transactionHash: hash,
    rpcUrl: rpc,
    index: message,
    ...(out !== undefined && { outFile: out }),
  });
}

async function proveFraud(node: Node, operator: Operator, dacs: readonly string[], flags: Flags): Promise<Result> {
  const { block, tx, watch, dryRun, archive, maxPrice, json } = flags;
  const [label, ...more] = dacs;
  const archived = archive !== undefined && { archiveUrl: archive };
  if (
    label !== undefined &&
    watch &&
    block === undefined &&
    tx === undefined &&
    !dryRun &&
    (archive === undefined || more.length === 0)
  )
    return (await import("@mvm/node")).proveAll(operator, {
      labels: dacs,
      ...archived,
      maxPrice,
      report: (report) => print(json, report),
    });
  if (label !== undefined && more.length === 0 && !watch && block !== undefined && maxPrice === undefined)
    return (await import("@mvm/node")).proveBlock(operator, {
      label,
      block,
      dryRun: dryRun === true,
      ...(tx !== undefined && { transaction: tx }),
      ...archived,
    });
  throw new node.ConfigError(
    "invalid",
    "give --dac LABEL with --block N [--tx I] [--dry-run], or --dac LABELS with --watch [--max-price MT] (an --archive is one DAC's)",
  );
}

/** Adds the command. */
export function proveCommand(program: Command): void {
  operatorOptions(program.command("prove [dac] [l2tx]"))
    .description(
      "prove on L1 that a posted block is wrong (--dac), or look out for it (--watch); or, for its claim, a withdrawal (DAC L2TX --rpc URL)",
    )
    .option("--dac <labels>", "DACs whose blocks are looked at, separated by commas", list)
    .addOption(new Option("--block <n>", "block to look at").argParser(blockNumber))
    .addOption(new Option("--tx <i>", "transaction of the block, from 0").argParser(countFrom0))
    .option("--dry-run", "say what there is to prove and what it takes; send nothing")
    .option("--watch", "go on looking at all that is posted, and prove what is wrong, until Ctrl-C")
    .addOption(new Option("--with-parent", "stop when standard input closes: for programs that run provers").hideHelp())
    .option("--archive <url>", "URL of the DAC at a gateway: for blobs that L1 has dropped")
    .option("--max-price <MT>", "with --watch: most that one ask on L1 for what nobody shows may cost")
    .option("--rpc <url>", "of a withdrawal: gateway of the DAC")
    .option("--out <file>", "of a withdrawal: new file for the claim; without it only tell what became of it")
    .addOption(
      new Option("--message <n>", "of a withdrawal: which of the transaction's messages, from 0").argParser(countFrom0),
    )
    .action((dac: string | undefined, hash: string | undefined, options) => {
      const dacs = options.dac as readonly string[] | undefined;
      if (dac !== undefined && hash !== undefined && dacs === undefined)
        return asObserver(options, (node, observer) => proveWithdrawal(node, observer, dac, hash, options));
      return asOperator(options, (node, operator) => {
        if (dac === undefined && dacs !== undefined) return proveFraud(node, operator, dacs, options);
        throw new node.ConfigError("invalid", "give --dac LABEL, or a DAC and the hash of a transaction that withdrew");
      });
    });
}
