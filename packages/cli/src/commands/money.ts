/** mvm deposit, withdraw, claim, force: money and transactions between L1 and a DAC. */
import type { Transfer } from "@mvm/node/operator";
import type { Command } from "commander";
import { asOperator, operatorOptions } from "./asOperator.ts";

type Node = typeof import("@mvm/node/operator");
type Flags = { readonly to?: string; readonly token?: string };

const transferOf = (node: Node, label: string, amount: string, { to, token }: Flags): Transfer => ({
  label,
  amount,
  ...(to !== undefined && { to: node.parseAddress(to) }),
  ...(token !== undefined && { token: node.parseAddress(token) }),
});

function depositCommand(program: Command): void {
  operatorOptions(program.command("deposit <dac> [amount]"))
    .description("deposit MT, or a token with --token, for an account on a DAC")
    .option("--to <address>", "account on the DAC; by default the operator's own")
    .option("--token <erc20>", "an ERC-20 token on L1 instead of MT")
    .option("--refund <id>", "take a held deposit back instead")
    .action((label: string, amount: string | undefined, options) =>
      asOperator(options, (node, operator) => {
        if (amount === undefined && options.refund !== undefined)
          return node.refundDeposit(operator, label, options.refund);
        if (amount !== undefined && options.refund === undefined)
          return node.deposit(operator, transferOf(node, label, amount, options));
        throw new node.ConfigError("invalid", "give an amount to deposit, or --refund ID");
      }),
    );
}

function withdrawCommands(program: Command): void {
  operatorOptions(program.command("withdraw <dac> <amount>"))
    .description("withdraw to L1, by a transaction of the operator's on the DAC")
    .requiredOption("--rpc <url>", "gateway of the DAC")
    .option("--to <address>", "receiver on L1; by default the operator's own account")
    .option("--token <erc20>", "the twin of an ERC-20 token on L1 instead of MT")
    .action((label, amount, options) =>
      asOperator(options, (node, operator) =>
        node.withdraw(operator, { ...transferOf(node, label, amount, options), rpcUrl: options.rpc }),
      ),
    );
  operatorOptions(program.command("claim [file]"))
    .description("bring a claim to L1, anyone may bring any; or claim the fees that the operator has earned on a DAC")
    .option("--fees <dac>", "the DAC on which fees wait")
    .option("--rpc <url>", "gateway of the DAC, for --fees")
    .option("--to <address>", "receiver on the DAC, for --fees; by default the operator's own account")
    .action((file: string | undefined, options) =>
      asOperator(options, (node, operator) => {
        const { fees, rpc, to } = options;
        if (file !== undefined && fees === undefined) return node.claimFile(operator, file);
        if (file !== undefined || fees === undefined || rpc === undefined)
          throw new node.ConfigError("invalid", "give the file of a claim, or --fees DAC --rpc URL");
        const receiver = to === undefined ? {} : { to: node.parseAddress(to) };
        return node.claimFees(operator, { label: fees, rpcUrl: rpc, ...receiver });
      }),
    );
}

function forceCommand(program: Command): void {
  operatorOptions(program.command("force <dac>"))
    .description("by way of L1, where a DAC's sequencers do not listen: a transaction, a withdrawal, the exit")
    .option("--transaction <hex>", "a signed transaction, as eth_sendRawTransaction takes it")
    .option("--withdraw <amount>", "withdraw the operator's MT, whatever the charter says")
    .option("--exit", "turn the DAC to exit where it may be, and leave it")
    .option("--to <address>", "receiver of --withdraw on L1")
    .option("--token <erc20>", "withdraw the twin of this token")
    .option("--rpc <url>", "gateway that shows the balance for --exit")
    .action((label: string, options) =>
      asOperator(options, (node, operator) => {
        const { transaction, withdraw, exit } = options;
        const given = [transaction, withdraw, exit].filter((option) => option !== undefined);
        if (given.length !== 1)
          throw new node.ConfigError("invalid", "give one of --transaction, --withdraw and --exit");
        if (transaction !== undefined) return node.forceRaw(operator, label, transaction);
        if (withdraw !== undefined) return node.forceWithdrawal(operator, transferOf(node, label, withdraw, options));
        return node.exitDac(operator, label, options.rpc);
      }),
    );
}

/** Adds the group. */
export function moneyCommands(program: Command): void {
  depositCommand(program);
  withdrawCommands(program);
  forceCommand(program);
}
