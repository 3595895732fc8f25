/** The holders of MT change a DAC's tax, from the vote on L1 to the transfer that pays it. */
import {
  castVote,
  delegateVotes,
  executeProposal,
  type Proposal,
  proposalIdOf,
  propose,
  queueProposal,
  sendMessage,
} from "@mvm/l1";
import { type Hex, PREDEPLOYS, toAddress } from "@mvm/protocol";
import { Contract, Interface, Wallet } from "ethers";
import { MVM_DAC_MASTER_ABI } from "../generated/predeployAbis.ts";
import { until } from "../until.ts";
import { included, l1Block, MT, sendAs, userOn, withProvider } from "./actions.ts";
import { type Flow, must, mustEqual } from "./flow.ts";
import { STAKED_NETWORK } from "./networks.ts";

const DEPOSIT_WEI = 100n * MT;
/** 5 % on what a transfer has above 2 MT. */
const TAX = { threshold: 2n * MT, rate: 500n };
const TRANSFER_WEI = 12n * MT;
const TAX_WEI = ((TRANSFER_WEI - TAX.threshold) * TAX.rate) / 10_000n;
const MESSAGE_GAS = 1_000_000n;
const GOVERNOR_ABI = ["function state(uint256 proposalId) view returns (uint8)"];
/** OpenZeppelin's ProposalState. */
const STATES = ["pending", "active", "canceled", "defeated", "succeeded", "queued", "expired", "executed"] as const;
const STATE_MS = 60_000;
const ARRIVED_MS = 120_000;

export const governanceFlow: Flow = {
  name: "governance",
  text: "MetisDAO votes on a DAC's tax: delegate, propose, vote, queue, execute; the DAC's next transfer pays it",
  size: STAKED_NETWORK,
  async run(testnet) {
    const { contracts } = testnet;
    const dac = await testnet.createDac({ label: "governed", kind: "free", depositWei: DEPOSIT_WEI });
    const master = new Interface(MVM_DAC_MASTER_ABI);
    const data = master.encodeFunctionData("setTaxRates", [[[TAX.threshold, TAX.rate]]]) as Hex;
    const message = {
      chainId: dac.chainId,
      to: PREDEPLOYS.dacMaster,
      mintWei: 0n,
      valueWei: 0n,
      gasLimit: MESSAGE_GAS,
      data,
    };
    const proposal: Proposal = { calls: [sendMessage(contracts, message)], description: "A tax on large transfers" };
    const begun = await l1Block(testnet);

    const founder = testnet.anvil.wallet(0);
    await sendAs(testnet, founder.privateKey, delegateVotes(contracts, toAddress(testnet.user.address)));
    await until("the votes to count", STATE_MS, async () => {
      await testnet.onL1(propose(contracts, proposal));
      return true;
    });
    const id = proposalIdOf(proposal);
    const metisDao = new Contract(contracts.metisDao, GOVERNOR_ABI, testnet.anvil.provider);
    const state = async () => STATES[Number(await metisDao.getFunction("state")(id))]!;
    const reaches = (wanted: (typeof STATES)[number]): Promise<void> =>
      until(`the proposal to be ${wanted}`, STATE_MS, async () => (await state()) === wanted);
    await reaches("active");
    await testnet.onL1(castVote(contracts, { proposalId: id, vote: "for" }));
    await reaches("succeeded");
    await testnet.onL1(queueProposal(contracts, proposal));
    await until("the timelock's delay to pass", STATE_MS, async () => {
      await testnet.onL1(executeProposal(contracts, proposal));
      return true;
    });
    mustEqual<string>(await state(), "executed", "where the proposal stands");
    const executed = await l1Block(testnet);

    return withProvider(testnet, dac, async (provider) => {
      const onDac = new Contract(PREDEPLOYS.dacMaster, MVM_DAC_MASTER_ABI, provider);
      const taxOn = () => onDac.getFunction("taxOn")(TRANSFER_WEI) as Promise<bigint>;
      mustEqual(await onDac.getFunction("taxOn")(TAX.threshold), 0n, "the tax at the threshold");
      await until("the tax on the DAC", ARRIVED_MS, async () => (await taxOn()) === TAX_WEI);
      const arrived = await l1Block(testnet);
      const user = userOn(testnet, provider);
      const to = Wallet.createRandom().address;
      const receipt = await included(provider, await user.sendTransaction({ to, value: TRANSFER_WEI }));
      must(receipt.status === 1, "the taxed transfer succeeds");
      const at = receipt.blockNumber;
      const [before, after] = await Promise.all([at - 1, at].map((b) => provider.getBalance(PREDEPLOYS.taxVault, b)));
      mustEqual(after! - before!, TAX_WEI, "what the tax vault got");
      mustEqual(await provider.getBalance(to), TRANSFER_WEI, "what the receiver got");
      return {
        taxWei: String(TAX_WEI),
        valueWei: String(TRANSFER_WEI),
        l1BlocksOfVote: Number(executed - begun),
        l1BlocksUntilOnDac: Number(arrived - executed),
      };
    });
  },
};
