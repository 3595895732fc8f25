/** Claims on L1 of what a DAC paid out, as a user makes them. */
import {
  BridgeError,
  type BridgePlace,
  claim,
  findWithdrawal,
  type GatewayTransport,
  proveSentMessage,
} from "@mvm/node";
import { toHash } from "@mvm/protocol";
import type { JsonRpcProvider } from "ethers";
import type { Testnet, TestnetDac } from "../testnet.ts";
import { until } from "../until.ts";
import { l1Time } from "./actions.ts";
import { must } from "./flow.ts";

/** Posting, and the longest window. */
const CLAIMABLE_MS = 300_000;

/** A DAC's place on L1. */
export const placeOf = (testnet: Testnet, dac: TestnetDac): BridgePlace => ({
  l1: testnet.l1Reader,
  chainId: dac.chainId,
  deployedAtBlock: 0n,
});

/** The user's account on L1, as claims want it. */
const submitterOf = (testnet: Testnet) => ({ submit: testnet.onL1.bind(testnet) });

/** What a claim took. */
export type Claimed = {
  /** L1 seconds from the question until the batch was final */
  readonly secondsUntilFinal: bigint;
  /** code of the refusal of a second claim */
  readonly second: string;
};

/** Waits until what one L2 transaction sent to L1 is final, proves and claims it, and tries to claim it again. */
export async function claimSent(
  testnet: Testnet,
  dac: TestnetDac,
  { provider, transactionHash }: { readonly provider: JsonRpcProvider; readonly transactionHash: string },
): Promise<Claimed> {
  const source = { ...placeOf(testnet, dac), l2: provider as GatewayTransport };
  const sender = { l1: source.l1, deployedAtBlock: source.deployedAtBlock, submitter: submitterOf(testnet) };
  const begun = await l1Time(testnet);
  const find = () => findWithdrawal({ ...source, transactionHash: toHash(transactionHash) });
  await until(`the window of ${transactionHash}`, CLAIMABLE_MS, async () => {
    return (await find()).every(({ status }) => status === "claimable");
  });
  const secondsUntilFinal = (await l1Time(testnet)) - begun;
  const [recorded, another] = await find();
  must(recorded !== undefined && another === undefined, "the transaction sent one message");
  const document = await proveSentMessage({ ...source, recorded });
  const { outcome } = await claim(sender, document);
  must(outcome === "claimed", "the claim is paid");
  return { secondsUntilFinal, second: await codeOf(claim(sender, document)) };
}

/** Code of the refusal of a claim; throws where it was not refused. */
export async function codeOf(attempt: Promise<unknown>): Promise<string> {
  try {
    await attempt;
  } catch (error) {
    if (error instanceof BridgeError) return error.code;
    throw error;
  }
  throw new Error("a claim was taken that should have been refused");
}
