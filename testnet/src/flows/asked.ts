/**
 * A poster's key has L1 take a batch of which nobody has anything. A stranger asks for it, and meanwhile for each kind of thing that the
 * honest batch before it commits to. That one nodes show, also in the place of a poster that is dead; the other falls, its poster is
 * fined, and the chain goes on in the next generation with all that users had been acknowledged.
 */
import {
  type AskedBatch,
  answerTo,
  approve,
  askFor,
  expireAsk,
  headOf,
  l1Now,
  postingOf,
  receiptEvents,
  type StandingBatch,
  stakeOf,
  standingBatches,
} from "@mvm/l1";
import { type Address, type Answer, ASK_KINDS, type AskItem, isOfBlock, keccakHash, toWord } from "@mvm/protocol";
import type { JsonRpcProvider } from "ethers";
import { rebuild } from "../rebuildProcess.ts";
import type { Testnet, TestnetDac, TestnetNode } from "../testnet.ts";
import { until } from "../until.ts";
import {
  acknowledge,
  keyOf,
  leaderOf,
  MT,
  nextBatch,
  nodesOf,
  PARAMETERS,
  recordedSlot,
  untilIncluded,
  untilPosted,
  withProvider,
} from "./actions.ts";
import { type Flow, must, mustEqual } from "./flow.ts";
import { CONVICTABLE_NETWORK } from "./networks.ts";

const DEPOSIT_WEI = 100n * MT;
const TRANSACTIONS = 6;
const MAX_PRICE_WEI = 256n * PARAMETERS.askPriceWei;
const ANSWERED_MS = 60_000;
const GOES_ON_MS = 180_000;
/** Slots in which the flow tries to be faster than the chain's other sequencers. */
const ATTEMPTS = 12;

const batchesOf = (testnet: Testnet, dac: TestnetDac): Promise<readonly StandingBatch[]> =>
  standingBatches(testnet.l1Reader, { chainId: dac.chainId, downTo: 1n, fromBlock: 0n });

/** Asks for an item of a batch. */
async function ask(testnet: Testnet, batch: StandingBatch, item: AskItem): Promise<AskedBatch> {
  const asked = { header: batch.header, posting: await postingOf(testnet.l1Reader, batch) };
  await testnet.onL1(askFor(testnet.contracts, asked, item, MAX_PRICE_WEI));
  return asked;
}

/** Waits for an answer, read from L1 and checked; gives it with who gave it. */
async function answered(
  testnet: Testnet,
  { header, l1Block }: StandingBatch,
  item: AskItem,
): Promise<{ readonly answer: Answer; readonly by: Address }> {
  let found: Awaited<ReturnType<typeof answerTo>>;
  await until(`${item.kind} of batch ${header.index} shown`, ANSWERED_MS, async () => {
    found = await answerTo(testnet.l1Reader, { header, item, fromBlock: l1Block });
    return found !== undefined;
  });
  const receipt = await testnet.anvil.provider.getTransactionReceipt(found!.transactionHash);
  const place = { blockNumber: BigInt(receipt!.blockNumber), transactionHash: found!.transactionHash };
  const [told] = await receiptEvents(testnet.l1Reader, place, "disclosures", "Answered");
  return { answer: found!.answer, by: String(told!["answerer"]).toLowerCase() as Address };
}

/** That an answer is what the DAC's gateway shows of the batch. */
async function compare(
  provider: JsonRpcProvider,
  { header }: StandingBatch,
  { answer }: { answer: Answer },
): Promise<void> {
  const number = header.firstBlock + BigInt(answer.position);
  const block = (await provider.getBlock(Number(number)))!;
  const count = Number(header.lastBlock - header.firstBlock) + 1;
  switch (answer.kind) {
    case "blocks":
      return mustEqual(answer.leaves[0]!, block.hash!, "the first block of the batch");
    case "words":
      return mustEqual(answer.leaves.length, count, "words");
    case "checkpoints":
      mustEqual(keccakHash(answer.header), block.hash!, "the block whose header is shown");
      return mustEqual(answer.leaves.length, block.transactions.length, "checkpoints");
    case "transactions":
      return mustEqual(answer.leaves.join(), block.transactions.join(), "transactions");
  }
}

/** Kills the leader of a slot, and has L1 take a batch by its key that commits to nothing. */
async function postHollow(testnet: Testnet, dac: TestnetDac): Promise<{ batch: StandingBatch; node: TestnetNode }> {
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    const before = await recordedSlot(testnet);
    let slot = before;
    await until("a new slot", ANSWERED_MS, async () => {
      slot = await recordedSlot(testnet);
      return slot > before;
    });
    const leader = await leaderOf(testnet, dac, slot);
    const node = nodesOf(testnet, "sequencer").find(({ operator }) => operator === leader);
    if (node === undefined) continue;
    await node.process.kill();
    const claim = { blocksRoot: keccakHash(toWord(slot)), slot, poster: leader, data: Uint8Array.of(1) };
    const taken = await nextBatch(testnet, dac, { ...claim, key: await keyOf(testnet, node) })
      .then((call) => testnet.onL1(call))
      .then(
        () => true,
        () => false,
      );
    const batch = (await batchesOf(testnet, dac)).find(({ header }) => header.blocksRoot === claim.blocksRoot);
    if (taken && batch !== undefined) return { batch, node };
    await testnet.restart(node);
  }
  throw new Error(`no hollow batch was taken in ${ATTEMPTS} slots`);
}

export const askedFlow: Flow = {
  name: "asked",
  text: "what batches commit to is asked for on L1: nodes show it, also for a dead poster; a batch of which nobody has anything falls, its poster is fined",
  size: CONVICTABLE_NETWORK,
  async run(testnet) {
    const dac = await testnet.createDac({ label: "asked", kind: "free", depositWei: DEPOSIT_WEI });
    await testnet.onL1(approve(testnet.contracts, "disclosures", 1_000n * MT));
    return withProvider(testnet, dac, async (provider) => {
      let nonce = await provider.getTransactionCount(testnet.user.address);
      const send = (count: number) =>
        acknowledge(
          testnet,
          dac,
          provider,
          Array.from({ length: count }, () => nonce++),
        );
      const hashes = [...(await send(TRANSACTIONS))];
      await untilIncluded(provider, hashes, GOES_ON_MS);
      await untilPosted(provider, await provider.getBlockNumber());

      const honest = (await batchesOf(testnet, dac))[0]!;
      const poster = nodesOf(testnet, "sequencer").find(({ operator }) => operator === honest.header.poster)!;
      const position = Number(honest.header.lastBlock - honest.header.firstBlock);
      const items = ASK_KINDS.map((kind) => ({ kind, position: isOfBlock(kind) ? position : 0 }));

      const { batch, node } = await postHollow(testnet, dac);
      const stake = async (): Promise<bigint> =>
        (await stakeOf(testnet.l1Reader, { sequencer: node.operator, holder: node.operator })).amountWei;
      const staked = await stake();
      const asked = await ask(testnet, batch, { kind: "blocks", position: 0 });
      const { timestamp } = await l1Now(testnet.l1Reader);
      hashes.push(...(await send(TRANSACTIONS)));
      // while nobody shows what the hollow batch commits to, nodes show what the honest one does
      for (const item of items.slice(0, -1)) await ask(testnet, honest, item);
      for (const item of items.slice(0, -1)) await compare(provider, honest, await answered(testnet, honest, item));
      if (poster !== node) await poster.process.kill();
      await ask(testnet, honest, items.at(-1)!);
      const helped = await answered(testnet, honest, items.at(-1)!);
      await compare(provider, honest, helped);
      must(helped.by !== poster.operator, "others answer for the dead poster");
      if (poster !== node) await testnet.restart(poster);

      const end = timestamp + BigInt(PARAMETERS.revealDelaySeconds);
      await until(
        "the time to answer is over",
        ANSWERED_MS,
        async () => (await l1Now(testnet.l1Reader)).timestamp > end,
      );
      const previous = (await batchesOf(testnet, dac))[1]!.header;
      await testnet.onL1(expireAsk(testnet.contracts, { ...asked, previous }));
      const fined = staked - (await stake());
      must(fined > 0n && fined <= PARAMETERS.withholdingPenaltyWei, `a fine of ${fined} wei is within the penalty`);
      const head = await headOf(testnet.l1Reader, dac.chainId);
      mustEqual(head.generation, 1n, "the generation on L1");
      mustEqual(head.lastBatchHash, batch.header.previousBatchHash, "the last batch that stands");
      await untilIncluded(provider, hashes, GOES_ON_MS);
      await untilPosted(provider, await provider.getBlockNumber());
      await testnet.restart(node);
      const after = (await batchesOf(testnet, dac)).filter(({ header }) => header.index >= batch.header.index);
      must(after.length > 0, "batches are posted again");
      for (const { header } of after) mustEqual(header.generation, 1n, "the generation of a new batch");
      const rebuilt = await rebuild(testnet, dac.label);
      mustEqual(rebuilt.blockHash, (await provider.getBlock(rebuilt.blocks))!.hash!, "the last block, rebuilt from L1");
      return {
        answered: items.map(({ kind }) => kind),
        finedMT: Number(fined / MT),
        acknowledged: hashes.length,
        lost: 0,
        batchesAfter: after.length,
      };
    });
  },
};
