/** A network of processes, driven with the tools that users have: cast and ethers. */
import { execFile } from "node:child_process";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { PREDEPLOYS } from "@mvm/protocol";
import { Contract, ContractFactory, Interface, isError, JsonRpcProvider, parseEther, Wallet } from "ethers";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { included } from "../src/flows/actions.ts";
import { DEMO_TOKEN_ABI, DEMO_TOKEN_CREATION_CODE } from "../src/generated/demoToken.ts";
import { MVM_DAC_MASTER_ABI } from "../src/generated/predeployAbis.ts";
import { createRunDirectory, type RunDirectory } from "../src/runDirectory.ts";
import { Testnet, type TestnetNode } from "../src/testnet.ts";
import { until } from "../src/until.ts";

const SIZE = { sequencers: 2, providers: 3, storage: 3, dacs: 2 };
const START_MS = 400_000;
const SUPPLY = 1_000_000n;

let run: RunDirectory;
let testnet: Testnet;
let provider: JsonRpcProvider;
let user: Wallet;

beforeAll(async () => {
  run = await createRunDirectory();
  testnet = await Testnet.start(run, SIZE, () => undefined);
  provider = testnet.providerOf(testnet.dacs[0]!);
  user = new Wallet(testnet.user.privateKey, provider);
}, START_MS);

afterAll(async () => {
  provider?.destroy();
  await testnet?.stop();
  await run?.remove();
}, START_MS);

const mvmProgram = join(import.meta.dirname, "../../packages/cli/bin/mvm.js");
const castBinary = join(import.meta.dirname, "../../node_modules/.bin/cast");

async function cast(command: string, ...args: readonly string[]): Promise<string> {
  const all = [command, "--rpc-url", testnet.dacs[0]!.url, ...args];
  const { stdout } = await promisify(execFile)(castBinary, all, { timeout: 60_000 });
  return stdout.trim();
}

/** What a command of mvm prints for the operator of a node. */
async function mvm(node: TestnetNode, ...args: readonly string[]): Promise<Record<string, unknown>> {
  const files = ["--data", node.dataDir, "--password-file", testnet.passwordFile, "--json"];
  const own = args[0] === "status" ? files.filter((_, i) => i !== 2 && i !== 3) : files;
  const { stdout } = await promisify(execFile)(process.execPath, [mvmProgram, ...args, ...own], { timeout: 120_000 });
  return JSON.parse(stdout) as Record<string, unknown>;
}

describe("a provider's operator", () => {
  it("sees the fees of its seats wait on a DAC, and claims them there", async () => {
    const [dac] = testnet.dacs;
    const { label, url } = dac!;
    for (let i = 0; i < 4; i++) await included(provider, await user.sendTransaction({ to: user.address, value: 1n }));
    type Earned = { readonly label: string; readonly claimableMT: string; readonly earnedMT: string };
    const earned = async (node: TestnetNode): Promise<Earned | undefined> =>
      ((await mvm(node, "status", "--gateway", testnet.gatewayUrl))["earnings"] as Earned[]).find(
        (each) => each.label === label,
      );
    const providers = testnet.nodes.filter(({ role }) => role === "provider");
    const all = await Promise.all(providers.map(earned));
    const index = all.findIndex((each) => each !== undefined);
    const [node, before] = [providers[index]!, all[index]!];
    expect(Number(before.claimableMT)).toBeGreaterThan(0);
    expect(before.earnedMT).toBe(before.claimableMT);
    const to = Wallet.createRandom().address;
    const claim = ["claim", "--fees", label, "--rpc", url, "--to", to];
    await expect(mvm(node, ...claim)).rejects.toThrow("no MT");
    await included(provider, await user.sendTransaction({ to: node.operator, value: 10n ** 17n }));
    const claimed = await mvm(node, ...claim);
    expect(await provider.getBalance(to)).toBe(parseEther(claimed["claimedMT"] as string));
    expect(Number(claimed["claimedMT"])).toBeGreaterThanOrEqual(Number(before.claimableMT));
    const after = await earned(node);
    expect(Number(after?.earnedMT)).toBeGreaterThanOrEqual(Number(claimed["claimedMT"]));
  });
});

describe("cast on a DAC", () => {
  it("reads the chain's identifier as L1 gave it", async () => {
    expect(BigInt(await cast("chain-id"))).toBe(BigInt(testnet.dacs[0]!.chainId));
  });

  it("deploys, sends, calls, and reads receipts and logs", async () => {
    const deployed = JSON.parse(
      await cast(
        "send",
        "--json",
        "--private-key",
        user.privateKey,
        "--create",
        DEMO_TOKEN_CREATION_CODE,
        "constructor(uint256)",
        String(SUPPLY),
      ),
    ) as { status: string; contractAddress: string };
    expect(deployed.status).toBe("0x1");
    const receiver = Wallet.createRandom().address;
    const sent = JSON.parse(
      await cast(
        "send",
        "--json",
        "--private-key",
        user.privateKey,
        deployed.contractAddress,
        "transfer(address,uint256)",
        receiver,
        "42",
      ),
    ) as { transactionHash: string; blockNumber: string };
    expect(await cast("call", deployed.contractAddress, "balanceOf(address)(uint256)", receiver)).toBe("42");
    const receipt = JSON.parse(await cast("receipt", "--json", sent.transactionHash)) as {
      logs: unknown[];
      status: string;
    };
    expect(receipt).toMatchObject({ status: "0x1" });
    expect(receipt.logs).toHaveLength(1);
    const logs = JSON.parse(
      await cast(
        "logs",
        "--json",
        "--from-block",
        sent.blockNumber,
        "--to-block",
        "latest",
        "--address",
        deployed.contractAddress,
        "Transfer(address,address,uint256)",
      ),
    ) as { transactionHash: string }[];
    expect(logs.map((log) => log.transactionHash)).toContain(sent.transactionHash);
  });
});

describe("ethers on a DAC", () => {
  it("deploys a token, sees its events, and decodes the reason of a revert", async () => {
    const deployed = await new ContractFactory(DEMO_TOKEN_ABI, DEMO_TOKEN_CREATION_CODE, user).deploy(SUPPLY);
    await included(provider, deployed.deploymentTransaction()!);
    const token = new Contract(await deployed.getAddress(), DEMO_TOKEN_ABI, user);
    const receiver = Wallet.createRandom();
    const receipt = await included(provider, await token.getFunction("transfer")(receiver.address, 7n));
    const events = await token.queryFilter("Transfer", receipt.blockNumber);
    expect(events.some((event) => event.transactionHash === receipt.hash)).toBe(true);
    const poor = new Contract(await token.getAddress(), DEMO_TOKEN_ABI, provider);
    const failure = await poor
      .getFunction("transfer")
      .staticCall(user.address, 8n, { from: receiver.address })
      .catch((error: unknown) => error);
    expect(isError(failure, "CALL_EXCEPTION")).toBe(true);
    const { name, args } = new Interface(DEMO_TOKEN_ABI).parseError((failure as { data: string }).data)!;
    expect({ name, balance: args[1], needed: args[2] }).toEqual({
      name: "ERC20InsufficientBalance",
      balance: 7n,
      needed: 8n,
    });
  });

  it("a transaction signed for one DAC is refused by another", async () => {
    const raw = await user.signTransaction({
      to: user.address,
      value: 1n,
      gasLimit: 21_000n,
      nonce: 0,
      gasPrice: 10n ** 9n,
      chainId: testnet.dacs[0]!.chainId,
    });
    const other = testnet.providerOf(testnet.dacs[1]!);
    await expect(other.send("eth_sendRawTransaction", [raw])).rejects.toThrow(/chain/i);
    other.destroy();
  });

  it("the gateway routes by host name as by path", async () => {
    const { port } = new URL(testnet.gatewayUrl);
    const ask = async (url: string, host: string): Promise<unknown> => {
      const { stdout } = await promisify(execFile)("curl", [
        "-s",
        "-H",
        `Host: ${host}`,
        "-H",
        "content-type: application/json",
        "-d",
        '{"jsonrpc":"2.0","id":1,"method":"eth_chainId"}',
        url,
      ]);
      return (JSON.parse(stdout) as { result: string }).result;
    };
    const label = testnet.dacs[1]!.label;
    const byHost = await ask(`http://127.0.0.1:${port}/`, `${label}.localhost`);
    expect(BigInt(byHost as string)).toBe(BigInt(testnet.dacs[1]!.chainId));
    expect(await ask(testnet.dacs[1]!.url, "127.0.0.1")).toBe(byHost);
  });

  it("shows deposits without mistaking them for the depositor's transactions", async () => {
    type Shown = { type: string; from: string; source?: string; l1From?: string };
    const shown: Shown[] = [];
    for (const number of ["0x1", "0x2"]) {
      const block = (await provider.send("eth_getBlockByNumber", [number, true])) as { transactions: Shown[] };
      shown.push(...block.transactions);
    }
    const deposits = shown.filter(({ source }) => source === "deposit");
    expect(deposits).toMatchObject([{ type: "0x7e", l1From: user.address.toLowerCase() }]);
    expect(deposits[0]!.from).not.toBe(user.address.toLowerCase());
  });
});

describe("a founder with mvm dac create", () => {
  it("founds a DAC whose first block seals the charter by itself", async () => {
    const founder = testnet.nodes.find(({ role }) => role === "provider")!;
    const charterFile = join(run.path, "charter.json");
    const charter = {
      vision: "To be there",
      mission: "By a single command",
      permissions: [{ operation: "allow", opcode: "create", addresses: [user.address] }],
      taxRates: [{ threshold: "1000", rate: 100 }],
      managementContract: user.address,
    };
    await writeFile(charterFile, JSON.stringify(charter));
    const mvm = join(import.meta.dirname, "../../packages/cli/bin/mvm.js");
    const create = async (...flags: readonly string[]) => {
      const args = [mvm, "dac", "create", "--data", founder.dataDir, "--label", "acme", "--charter", charterFile];
      const secret = ["--password-file", testnet.passwordFile];
      const { stdout } = await promisify(execFile)(process.execPath, [...args, ...secret, "--json", ...flags]);
      return JSON.parse(stdout) as { checked?: boolean; chainId?: string };
    };
    expect((await create("--dry-run")).checked).toBe(true);
    const { chainId } = await create();
    const dac = new JsonRpcProvider(`${testnet.gatewayUrl}/dac/acme`, Number(chainId), { staticNetwork: true });
    await until("the founding block", 90_000, () =>
      dac.getBlockNumber().then(
        (number) => number >= 1,
        () => false,
      ),
    );
    const master = new Contract(PREDEPLOYS.dacMaster, MVM_DAC_MASTER_ABI, dac);
    expect(await master.getFunction("vision")()).toBe("To be there");
    expect(await master.getFunction("isSealed")()).toBe(true);
    expect(await master.getFunction("taxOn")(3_000n)).toBe(20n);
    await expect(create()).rejects.toThrow(/"acme" is taken/);
    dac.destroy();
  });
});
