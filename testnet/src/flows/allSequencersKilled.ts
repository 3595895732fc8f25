/**
 * Every sequencer is dead (invariant I10): on one DAC a newcomer with a bond carries out what users force through L1; on
 * another nobody comes, and its users take their MT out by proof against the last block.
 */
import {
  balanceOf,
  forceExit,
  forceTransaction,
  hasExited,
  headOf,
  isExiting,
  lockedMt,
  queueItemAt,
  standingBatches,
  turnToExit,
} from "@mvm/l1";
import { claim, type GatewayTransport, proveExit, refundQueued } from "@mvm/node";
import { fromHex, type Hex, PREDEPLOYS, toAddress } from "@mvm/protocol";
import { Interface, type JsonRpcProvider, Wallet } from "ethers";
import { MVM_COINBASE_ABI } from "../generated/predeployAbis.ts";
import type { Testnet, TestnetDac } from "../testnet.ts";
import { until } from "../until.ts";
import { l1Time, MT, nodesOf, PARAMETERS, untilPosted, withProvider } from "./actions.ts";
import { claimSent, codeOf, placeOf } from "./claiming.ts";
import { type Figures, type Flow, must, mustEqual } from "./flow.ts";
import { EXPENDABLE_NETWORK } from "./networks.ts";

const SERVED_WEI = 100n * MT;
/** More than the newcomer's stake: it cannot serve this DAC. */
const ABANDONED_WEI = 10_000n * MT;
const NEWCOMER_STAKE_MT = 5_000;
const FORCED_WEI = 5n * MT;
const EXIT_WEI = 9n * MT;
const LATE_WEI = 50n * MT;
const SERVED_MS = 180_000;
const EXIT_MS = 240_000;

const coinbase = new Interface(MVM_COINBASE_ABI);

/** The user forces a transfer and an exit; a newcomer consumes and posts both; the exit is claimed. */
async function served(testnet: Testnet, dac: TestnetDac, provider: JsonRpcProvider): Promise<Figures> {
  const { contracts, l1Reader: reader } = testnet;
  const { chainId } = dac;
  const shop = Wallet.createRandom().address;
  const receiver = Wallet.createRandom().address;
  const transaction = await new Wallet(testnet.user.privateKey).signTransaction({
    to: shop,
    value: FORCED_WEI,
    gasLimit: 21_000n,
    nonce: await provider.getTransactionCount(testnet.user.address),
    maxFeePerGas: 10n ** 10n,
    maxPriorityFeePerGas: 1n,
    type: 2,
    chainId,
  });
  await testnet.onL1(forceTransaction(contracts, { chainId, transaction: fromHex(transaction as Hex) }));
  const forcedAt = await l1Time(testnet);
  const data = coinbase.encodeFunctionData("withdraw", [receiver]) as Hex;
  await testnet.onL1(forceExit(contracts, { chainId, to: PREDEPLOYS.coinbase, valueWei: EXIT_WEI, data }));
  const before = await headOf(reader, chainId);
  const newcomer = await testnet.addNode({
    name: "sequencer-newcomer",
    role: "sequencer",
    stakeMT: NEWCOMER_STAKE_MT,
  });
  await until("the forced transfer", SERVED_MS, async () => (await provider.getBalance(shop)) === FORCED_WEI);
  const withdrawals = { address: PREDEPLOYS.coinbase, topics: [coinbase.getEvent("Withdrawn")!.topicHash] };
  let transactionHash = "";
  await until("the forced exit", SERVED_MS, async () => {
    const [log] = await provider.getLogs({ ...withdrawals, fromBlock: 0, toBlock: "latest" });
    transactionHash = log?.transactionHash ?? "";
    return log !== undefined;
  });
  await until("both on L1", SERVED_MS, async () => (await headOf(reader, chainId)).queueEnd >= before.queueEnd + 2n);
  const postedAt = await l1Time(testnet);
  const [batch] = await standingBatches(reader, { chainId, downTo: 0n, fromBlock: 0n });
  mustEqual(batch!.header.poster, newcomer.operator, "the poster");
  await claimSent(testnet, dac, { provider, transactionHash });
  mustEqual(await balanceOf(reader, toAddress(receiver)), EXIT_WEI, "what the forced exit paid on L1");
  return { secondsUntilForced: Number(postedAt - forcedAt), forcedExitWei: String(EXIT_WEI) };
}

/** A deposit is never consumed: the chain turns to exit, the user's balance and the deposit are paid on L1. */
async function abandoned(testnet: Testnet, dac: TestnetDac, provider: JsonRpcProvider): Promise<Figures> {
  const { contracts, l1Reader: reader } = testnet;
  const { chainId } = dac;
  const user = toAddress(testnet.user.address);
  const place = placeOf(testnet, dac);
  const { queueEnd } = await headOf(reader, chainId);
  await testnet.depositFor(dac, LATE_WEI);
  const depositedAt = await l1Time(testnet);
  const owned = await provider.getBalance(user);
  const item = await queueItemAt(reader, { chainId, index: queueEnd, fromBlock: 0n });
  await until("the DAC to turn to exit", EXIT_MS, async () => {
    if (!(await isExiting(reader, chainId))) await testnet.onL1(turnToExit(contracts, { chainId, item }));
    return isExiting(reader, chainId);
  });
  const turnedAt = await l1Time(testnet);
  const submitter = { submit: testnet.onL1.bind(testnet) };
  const sender = { l1: reader, deployedAtBlock: 0n, submitter };
  const source = { ...place, l2: provider as GatewayTransport, account: user };
  let document: Awaited<ReturnType<typeof proveExit>> | undefined;
  await until("the last batch to be final", EXIT_MS, async () => {
    document = await proveExit(source);
    return true;
  });
  must(!(await hasExited(reader, chainId, user)), "nothing was paid out before");
  const locked = await lockedMt(reader, chainId);
  await claim(sender, document!);
  mustEqual(locked - (await lockedMt(reader, chainId)), owned, "what the exit paid");
  mustEqual(await codeOf(claim(sender, document!)), "already-claimed", "the refusal of a second exit");
  const refunded = await refundQueued(sender, { chainId, account: user });
  mustEqual(refunded.join(), String(queueEnd), "the items given back");
  mustEqual(locked - (await lockedMt(reader, chainId)), owned + LATE_WEI, "what exit and refund paid");
  mustEqual((await refundQueued(sender, { chainId, account: user })).length, 0, "items given back twice");
  return {
    secondsUntilExit: Number(turnedAt - depositedAt),
    exitedWei: String(owned),
    refundedWei: String(LATE_WEI),
  };
}

export const allSequencersKilledFlow: Flow = {
  name: "all-sequencers-killed",
  text: "all sequencers dead: a newcomer carries out forced items, and where nobody comes the DAC's users exit by proof",
  size: EXPENDABLE_NETWORK,
  async run(testnet) {
    const [first, second] = await Promise.all([
      testnet.createDac({ label: "served", kind: "free", depositWei: SERVED_WEI }),
      testnet.createDac({ label: "abandoned", kind: "free", depositWei: ABANDONED_WEI }),
    ]);
    return withProvider(testnet, first, (servedProvider) =>
      withProvider(testnet, second, async (abandonedProvider) => {
        for (const provider of [servedProvider, abandonedProvider])
          await untilPosted(provider, await provider.getBlockNumber());
        await Promise.all(nodesOf(testnet, "sequencer").map((node) => node.process.kill()));
        const figures = await Promise.all([
          served(testnet, first, servedProvider),
          abandoned(testnet, second, abandonedProvider),
        ]);
        return { openAfterSeconds: PARAMETERS.openAfterSeconds, ...figures[0], ...figures[1] };
      }),
    );
  },
};
