/** A user's work on one DAC: deploys an OpenZeppelin token, has several accounts make transfers, checks what came of it. */
import {
  Contract,
  ContractFactory,
  type HDNodeWallet,
  Interface,
  type JsonRpcProvider,
  type TransactionReceipt,
  Wallet,
} from "ethers";
import { DEMO_TOKEN_ABI, DEMO_TOKEN_CREATION_CODE } from "./generated/demoToken.ts";
import { until } from "./until.ts";

export type TransferPlan = {
  readonly provider: JsonRpcProvider;
  /** owns MT on the DAC */
  readonly user: HDNodeWallet;
  readonly chainId: bigint;
  readonly transfers: number;
  /** accounts that make the transfers, in turn */
  readonly senders: readonly HDNodeWallet[];
};

export type TransferResult = {
  readonly token: string;
  readonly receipts: readonly TransactionReceipt[];
  /** transactions sent, the transfers included */
  readonly sent: number;
  readonly balancesRight: boolean;
};

const TRANSFER_GAS = 80_000n;
const RECEIPTS_TIMEOUT_MS = 240_000;
/** Receipts that are asked for at once: who asks for all that are not there yet keeps the gateway from bringing them. */
const ASKED_AT_ONCE = 32;
const SUPPLY = 10n ** 24n;
const token = new Interface(DEMO_TOKEN_ABI);

/** A transfer's sum tells which one it is. */
const sumOf = (i: number): bigint => 1_000n + BigInt(i);

export async function transferTokens(plan: TransferPlan): Promise<TransferResult> {
  const { provider, user, chainId, transfers, senders } = plan;
  const owner = new Wallet(user.privateKey, provider);
  const factory = new ContractFactory(DEMO_TOKEN_ABI, DEMO_TOKEN_CREATION_CODE, owner);
  const deployed = await factory.deploy(SUPPLY);
  await receiptsOf(provider, [deployed.deploymentTransaction()!.hash]);
  const address = await deployed.getAddress();
  const receiver = Wallet.createRandom().address;
  const { maxFeePerGas, maxPriorityFeePerGas } = await provider.getFeeData();
  const fees = { maxFeePerGas: 10n * maxFeePerGas!, maxPriorityFeePerGas, chainId, type: 2 };
  const equip = await equipSenders(
    owner,
    senders.map((sender) => sender.address),
    { token: address, fees, share: SUPPLY / BigInt(senders.length + 1) },
  );

  const raws: string[] = [];
  for (let i = 0; i < transfers; i++) {
    const data = token.encodeFunctionData("transfer", [receiver, sumOf(i)]);
    const request = { to: address, data, nonce: Math.floor(i / senders.length), gasLimit: TRANSFER_GAS, ...fees };
    raws.push(await senders[i % senders.length]!.signTransaction(request));
  }
  const hashes = await Promise.all(
    raws.map((raw) => provider.send("eth_sendRawTransaction", [raw]) as Promise<string>),
  );
  const receipts = await receiptsOf(provider, hashes);
  const expected = Array.from({ length: transfers }, (_, i) => sumOf(i)).reduce((sum, value) => sum + value, 0n);
  const balance = (await new Contract(address, DEMO_TOKEN_ABI, provider).getFunction("balanceOf")(receiver)) as bigint;
  const succeeded = receipts.every((receipt) => receipt.status === 1 && receipt.logs.length === 1);
  return { token: address, receipts, sent: 1 + equip + transfers, balancesRight: balance === expected && succeeded };
}

/** MT for gas and a share of tokens for each sender; gives how many transactions that took. */
async function equipSenders(
  owner: Wallet,
  senders: readonly string[],
  { token: address, fees, share }: { token: string; fees: object; share: bigint },
): Promise<number> {
  const provider = owner.provider as JsonRpcProvider;
  let nonce = await owner.getNonce();
  const raws: string[] = [];
  for (const sender of senders) {
    raws.push(
      await owner.signTransaction({ to: sender, value: 10n ** 18n, gasLimit: 21_000n, nonce: nonce++, ...fees }),
    );
    const data = token.encodeFunctionData("transfer", [sender, share]);
    raws.push(await owner.signTransaction({ to: address, data, gasLimit: TRANSFER_GAS, nonce: nonce++, ...fees }));
  }
  const hashes: string[] = [];
  for (const raw of raws) hashes.push((await provider.send("eth_sendRawTransaction", [raw])) as string);
  await receiptsOf(provider, hashes);
  return raws.length;
}

/** Makes one small transfer after the other until the DAC has so many blocks; gives the number of the last one. */
export async function growTo(
  blocks: number,
  { provider, user }: Pick<TransferPlan, "provider" | "user">,
): Promise<number> {
  const wallet = new Wallet(user.privateKey, provider);
  let head = await provider.getBlockNumber();
  for (let nonce = await wallet.getNonce(); head < blocks; nonce++) {
    const { hash } = await wallet.sendTransaction({ to: user.address, value: 1n, nonce });
    const [receipt] = await receiptsOf(provider, [hash]);
    head = receipt!.blockNumber;
  }
  return head;
}

async function receiptsOf(
  provider: JsonRpcProvider,
  hashes: readonly string[],
): Promise<readonly TransactionReceipt[]> {
  const found = new Map<string, TransactionReceipt>();
  await until(`${hashes.length} receipts`, RECEIPTS_TIMEOUT_MS, async () => {
    const missing = hashes.filter((hash) => !found.has(hash)).slice(0, ASKED_AT_ONCE);
    const receipts = await Promise.all(missing.map((hash) => provider.getTransactionReceipt(hash)));
    for (const receipt of receipts) if (receipt !== null) found.set(receipt.hash, receipt);
    return found.size === hashes.length;
  });
  return hashes.map((hash) => found.get(hash)!);
}
