/** An account that accuses a batch which is right, of a header that does not follow from the one before it; or asks for it. */
import {
  accuserBonds,
  answerTo,
  approve,
  askFor,
  askPrice,
  askQueue,
  balanceOf,
  commitTo,
  depositAccuserBond,
  postingOf,
  proofEnd,
  proveParent,
  type StandingBatch,
} from "@mvm/l1";
import { decodeBlock, encodeHeader, fromHex, type Hex, hashHeader, merkleProof, toAddress } from "@mvm/protocol";
import type { JsonRpcProvider } from "ethers";
import { sendAs } from "../src/flows/actions.ts";
import type { Testnet } from "../src/testnet.ts";
import { until } from "../src/until.ts";

const ANSWERED_MS = 60_000;

/** Headers of a batch's blocks, from a gateway. */
async function headersOf(provider: JsonRpcProvider, { header }: StandingBatch) {
  const headers = [];
  for (let number = header.firstBlock; number <= header.lastBlock; number++) {
    const encoded = (await provider.send("mvm_getSealedBlock", [`0x${number.toString(16)}`])) as Hex;
    headers.push(decodeBlock(fromHex(encoded)).header);
  }
  return headers;
}

/**
 * Accuses a DAC's first batch, and has L1 decide. Gives whether that cost the accuser its bond, by what L1 shows before and after.
 * @param key of an account with ether and MT on L1
 */
export async function accuseFalsely(
  testnet: Testnet,
  provider: JsonRpcProvider,
  batch: StandingBatch,
  accuser: { readonly address: string; readonly privateKey: string },
): Promise<boolean> {
  const { contracts, l1Reader, anvil } = testnet;
  const account = toAddress(accuser.address);
  const send = (call: Parameters<typeof sendAs>[2]) => sendAs(testnet, accuser.privateKey, call);
  const { neededWei } = await accuserBonds(l1Reader, account);
  await send(approve(contracts, "disputes", neededWei));
  await send(depositAccuserBond(contracts, neededWei));
  const before = await accuserBonds(l1Reader, account);
  const headers = await headersOf(provider, batch);
  const siblings = merkleProof(headers.map(hashHeader), 0);
  const accused = { header: batch.header, posting: await postingOf(l1Reader, batch), previous: undefined };
  const block = { position: 0, header: encodeHeader(headers[0]!), siblings };
  const proof = proveParent(contracts, accused, block, new Uint8Array(0));
  await send(commitTo(contracts, account, proof));
  const hash = await send(proof);
  const receipt = await anvil.provider.getTransactionReceipt(hash);
  const after = await accuserBonds(l1Reader, account);
  const isRefuted =
    proofEnd(
      contracts,
      [...receipt!.logs].map(({ address, topics, data }) => ({ address, topics, data })),
    ) === "refuted";
  return isRefuted && after.paidWei === before.paidWei - neededWei && after.strikes === before.strikes + 1n;
}

/**
 * Asks for the blocks of a DAC's first batch, which nodes show. Gives whether that cost the asker its price, by what L1 shows before and
 * after.
 * @param key of an account with ether and MT on L1
 */
export async function askFalsely(
  testnet: Testnet,
  batch: StandingBatch,
  asker: { readonly address: string; readonly privateKey: string },
): Promise<boolean> {
  const { contracts, l1Reader } = testnet;
  const account = toAddress(asker.address);
  const send = (call: Parameters<typeof sendAs>[2]) => sendAs(testnet, asker.privateKey, call);
  const priceWei = await askPrice(l1Reader, (await askQueue(l1Reader, batch.batchHash)).count);
  const before = await balanceOf(l1Reader, account);
  await send(approve(contracts, "disclosures", priceWei));
  const item = { kind: "blocks", position: 0 } as const;
  const asked = { header: batch.header, posting: await postingOf(l1Reader, batch) };
  await send(askFor(contracts, asked, item, priceWei));
  const { header, l1Block: fromBlock } = batch;
  await until("an answer about a right batch", ANSWERED_MS, async () => {
    return (await answerTo(l1Reader, { header, item, fromBlock })) !== undefined;
  });
  return (await balanceOf(l1Reader, account)) === before - priceWei;
}
