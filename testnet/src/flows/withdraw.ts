/** MT and an ERC-20 token there and back again: deposited, used on the DAC, withdrawn, proven and claimed on L1. */
import { balanceOf, depositERC20, lockedMt } from "@mvm/l1";
import { PREDEPLOYS, toAddress } from "@mvm/protocol";
import { Contract, ContractFactory, type JsonRpcProvider, Wallet, ZeroAddress } from "ethers";
import { DEMO_TOKEN_ABI, DEMO_TOKEN_CREATION_CODE } from "../generated/demoToken.ts";
import { MVM_COINBASE_ABI, MVM_TOKEN_BRIDGE_ABI } from "../generated/predeployAbis.ts";
import type { Testnet, TestnetDac } from "../testnet.ts";
import { until } from "../until.ts";
import { included, MT, sendAs, userOn, withProvider } from "./actions.ts";
import { claimSent } from "./claiming.ts";
import { type Flow, must, mustEqual } from "./flow.ts";
import { STAKED_NETWORK } from "./networks.ts";

const DEPOSIT_WEI = 100n * MT;
const PLAIN_WEI = 3n * MT;
const WITHDRAWN_WEI = 41n * MT;
const TOKENS = 1_000n;
const TOKENS_DEPOSITED = 700n;
const TOKENS_SPENT = 200n;
const TOKENS_WITHDRAWN = 300n;
const TOKENS_MS = 120_000;

/** An ERC-20 token on L1, of which an account deposits some for the user on a DAC. */
async function depositTokens(testnet: Testnet, dac: TestnetDac): Promise<Contract> {
  const { contracts } = testnet;
  const owner = new Wallet(testnet.senders[0]!.privateKey, testnet.anvil.provider);
  const token = await new ContractFactory(DEMO_TOKEN_ABI, DEMO_TOKEN_CREATION_CODE, owner).deploy(TOKENS);
  await token.waitForDeployment();
  const erc20 = toAddress(await token.getAddress());
  const approved = await new Contract(erc20, DEMO_TOKEN_ABI, owner).getFunction("approve")(
    contracts.bridge,
    TOKENS_DEPOSITED,
  );
  await approved.wait();
  const deposit = {
    chainId: dac.chainId,
    token: erc20,
    to: toAddress(testnet.user.address),
    amount: TOKENS_DEPOSITED,
  };
  await sendAs(testnet, owner.privateKey, depositERC20(contracts, deposit));
  return new Contract(erc20, DEMO_TOKEN_ABI, testnet.anvil.provider);
}

const tokensOf = (token: Contract, account: string): Promise<bigint> =>
  token.getFunction("balanceOf")(account) as Promise<bigint>;

/** The token's twin on the DAC, once the deposit is there. */
async function twinOf(token: Contract, user: Wallet): Promise<Contract> {
  const bridge = new Contract(PREDEPLOYS.tokenBridge, MVM_TOKEN_BRIDGE_ABI, user);
  let twin: string = ZeroAddress;
  await until("the token's twin", TOKENS_MS, async () => {
    twin = (await bridge.getFunction("twinOf")(await token.getAddress())) as string;
    return twin !== ZeroAddress;
  });
  const onDac = new Contract(twin, DEMO_TOKEN_ABI, user);
  mustEqual(await tokensOf(onDac, user.address), TOKENS_DEPOSITED, "the user's tokens on the DAC");
  return onDac;
}

/** Waits until a call of the user is in a block, where it has to succeed. */
async function sendOnDac(user: Wallet, call: Promise<{ readonly hash: string }>): Promise<{ readonly hash: string }> {
  const { hash, status } = await included(user.provider!, await call);
  must(status === 1, "a call of the user on the DAC succeeds");
  return { hash };
}

/** Uses what was deposited: a plain transfer, a transfer of tokens. */
async function use(user: Wallet, twin: Contract): Promise<void> {
  const provider = user.provider as JsonRpcProvider;
  const shop = Wallet.createRandom().address;
  await sendOnDac(user, user.sendTransaction({ to: shop, value: PLAIN_WEI }));
  await sendOnDac(user, twin.getFunction("transfer")(shop, TOKENS_SPENT));
  mustEqual(await provider.getBalance(shop), PLAIN_WEI, "the shop's MT");
  mustEqual(await tokensOf(twin, shop), TOKENS_SPENT, "the shop's tokens");
}

export const withdrawFlow: Flow = {
  name: "withdraw",
  text: "deposit, use and withdraw MT and an ERC-20 token: proven and claimed on L1 once the batch is final, once only",
  size: STAKED_NETWORK,
  async run(testnet) {
    const { contracts, l1Reader: reader } = testnet;
    const dac = await testnet.createEmptyDac({ label: "withdraw", kind: "free" });
    const { chainId } = dac;
    await testnet.depositFor(dac, DEPOSIT_WEI);
    const token = await depositTokens(testnet, dac);
    return withProvider(testnet, dac, async (provider) => {
      const user = userOn(testnet, provider);
      const twin = await twinOf(token, user);
      await use(user, twin);
      const [receiver, tokenReceiver] = [Wallet.createRandom().address, Wallet.createRandom().address];
      const coinbase = new Contract(PREDEPLOYS.coinbase, MVM_COINBASE_ABI, user);
      const bridge = new Contract(PREDEPLOYS.tokenBridge, MVM_TOKEN_BRIDGE_ABI, user);
      const withdrawn = await sendOnDac(user, coinbase.getFunction("withdraw")(receiver, { value: WITHDRAWN_WEI }));
      const erc20 = await token.getAddress();
      const burnt = await sendOnDac(user, bridge.getFunction("withdraw")(erc20, tokenReceiver, TOKENS_WITHDRAWN));
      const supply = (await coinbase.getFunction("totalSupply")()) as bigint;
      mustEqual(supply, DEPOSIT_WEI - WITHDRAWN_WEI, "the DAC's supply");
      mustEqual(await lockedMt(reader, chainId), DEPOSIT_WEI, "what is locked before the claim");
      const paid = await claimSent(testnet, dac, { provider, transactionHash: withdrawn.hash });
      mustEqual(await balanceOf(reader, toAddress(receiver)), WITHDRAWN_WEI, "the receiver's MT on L1");
      mustEqual(await lockedMt(reader, chainId), supply, "what is locked after the claim");
      const tokens = await claimSent(testnet, dac, { provider, transactionHash: burnt.hash });
      mustEqual(await tokensOf(token, tokenReceiver), TOKENS_WITHDRAWN, "the receiver's tokens on L1");
      const left = TOKENS_DEPOSITED - TOKENS_WITHDRAWN;
      mustEqual(await tokensOf(token, contracts.bridge), left, "the bridge's tokens");
      for (const { second } of [paid, tokens]) mustEqual(second, "already-claimed", "the refusal of a second claim");
      return {
        withdrawnWei: String(WITHDRAWN_WEI),
        tokensWithdrawn: Number(TOKENS_WITHDRAWN),
        secondsUntilFinal: Number(paid.secondsUntilFinal),
        secondClaim: paid.second,
      };
    });
  },
};
