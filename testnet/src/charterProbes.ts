/** What users of a DAC with a charter meet, shown with ethers: a denied deployment, a denied sender, a taxed transfer. */
import { PREDEPLOYS } from "@mvm/protocol";
import { Contract, ContractFactory, Interface, isError, parseEther, Wallet } from "ethers";
import { included, withProvider } from "./flows/actions.ts";
import { DEMO_TOKEN_ABI, DEMO_TOKEN_CREATION_CODE } from "./generated/demoToken.ts";
import { MVM_DAC_MASTER_ABI } from "./generated/predeployAbis.ts";
import type { Testnet, TestnetDac } from "./testnet.ts";

const PERMISSION_ERRORS = new Interface(["error PermissionDenied(bytes1 opcode, address signer)"]);
const DEPLOYMENT_GAS = 3_000_000n;
const GIFT = parseEther("1");
const TAXED_VALUE = parseEther("30");

export type DeniedDeployment = {
  readonly dac: string;
  /** as ethers decodes the error that the estimate gives */
  readonly error: string;
  readonly opcode: string;
  readonly signer: string;
  /** of the deployment that is sent all the same */
  readonly receiptStatus: number;
};

export type DeniedSender = {
  readonly dac: string;
  /** what the gateway says, and as ethers decodes it */
  readonly message: string;
  readonly error: string;
  readonly opcode: string;
  readonly signer: string;
};

export type TaxedTransfer = {
  readonly dac: string;
  readonly valueWei: string;
  /** what the sender paid on top of value and fees, and what MVM_DACMaster.taxOn says */
  readonly taxWei: string;
  readonly taxOnWei: string;
};

async function failureOf(attempt: Promise<unknown>): Promise<Error> {
  try {
    await attempt;
  } catch (error) {
    return error as Error;
  }
  throw new Error("what should have been denied was done");
}

/** The outsider tries to deploy a token where only members may. */
export function probeDeployment(testnet: Testnet, dac: TestnetDac): Promise<DeniedDeployment> {
  return withProvider(testnet, dac, async (provider) => {
    const owner = new Wallet(testnet.user.privateKey, provider);
    const outsider = new Wallet(testnet.outsider.privateKey, provider);
    await included(provider, await owner.sendTransaction({ to: outsider.address, value: GIFT }));
    const factory = new ContractFactory(DEMO_TOKEN_ABI, DEMO_TOKEN_CREATION_CODE, outsider);
    const failure = await failureOf(factory.deploy(1n));
    const data = isError(failure, "CALL_EXCEPTION") ? failure.data : null;
    const decoded = PERMISSION_ERRORS.parseError(data ?? "0x");
    if (decoded === null) throw new Error(`a deployment failed for another reason: ${failure.message}`);
    const { data: code } = await factory.getDeployTransaction(1n);
    const sent = await outsider.sendTransaction({ data: code, gasLimit: DEPLOYMENT_GAS });
    const { status } = await included(provider, sent);
    const [opcode, signer] = decoded.args.toArray() as string[];
    return {
      dac: dac.label,
      error: decoded.name,
      opcode: opcode!,
      signer: signer!,
      receiptStatus: status ?? -1,
    };
  });
}

/** The outsider tries to send a transaction where it may not. */
export function probeSender(testnet: Testnet, dac: TestnetDac): Promise<DeniedSender> {
  return withProvider(testnet, dac, async (provider) => {
    const outsider = new Wallet(testnet.outsider.privateKey, provider);
    const request = { to: testnet.user.address, gasLimit: 21_000n, ...(await provider.getFeeData()), gasPrice: null };
    const failure = await failureOf(outsider.sendTransaction(request));
    const answer = (failure as { error?: { message?: string; data?: string } }).error;
    const decoded = PERMISSION_ERRORS.parseError(answer?.data ?? "0x");
    if (decoded === null) throw new Error(`a transaction was refused for another reason: ${failure.message}`);
    const [opcode, signer] = decoded.args.toArray() as string[];
    return { dac: dac.label, message: answer?.message ?? "", error: decoded.name, opcode: opcode!, signer: signer! };
  });
}

/** A member moves a value of which a part is taxed. */
export function probeTax(testnet: Testnet, dac: TestnetDac): Promise<TaxedTransfer> {
  return withProvider(testnet, dac, async (provider) => {
    const owner = new Wallet(testnet.user.privateKey, provider);
    const master = new Contract(PREDEPLOYS.dacMaster, MVM_DAC_MASTER_ABI, provider);
    const taxOn = (await master.getFunction("taxOn")(TAXED_VALUE)) as bigint;
    const before = await provider.getBalance(PREDEPLOYS.taxVault);
    const sent = await owner.sendTransaction({ to: testnet.outsider.address, value: TAXED_VALUE });
    const { blockNumber: block } = await included(provider, sent);
    const after = await provider.getBalance(PREDEPLOYS.taxVault, block);
    return {
      dac: dac.label,
      valueWei: String(TAXED_VALUE),
      taxWei: String(after - before),
      taxOnWei: String(taxOn),
    };
  });
}
