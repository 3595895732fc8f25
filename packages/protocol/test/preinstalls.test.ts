/** Contracts of genesis: their code is the one that stands at their address on Ethereum's main network. */
import { getCreateAddress, Transaction } from "ethers";
import { describe, expect, it } from "vitest";
import {
  BEACON_ROOTS,
  BLOCK_HASH_HISTORY,
  DEPLOYMENT_PROXY,
  fromHex,
  keccakHash,
  PREINSTALLS,
  preinstallWrites,
} from "../src/index.ts";

/** Code hashes of the main network, as explorers and other chains publish them. */
const CODE_HASHES = {
  DeterministicDeploymentProxy: "0x2fa86add0aed31f33a762c9d88e807c475bd51d0f52bd0955754b2608f7e4989",
  Multicall3: "0xd5c15df687b16f2ff992fc8d767b4216323184a2bbc6ee2f9c398c318e770891",
  Permit2: "0xc67d1657868aa5146eaf24fb879fb1fdec3d2d493b3683a61c9c2f4fb2851131",
  EntryPoint: "0x8db5ff695839d655407cc8490bb7a5d82337a86a6b39c3f0258aa6c3b582fc58",
  SenderCreator: "0x283c9d14378f5f4c4e24045b87d621d48443fa5b4af7dd7180a599b3756a7689",
  BlockHashHistory: "0x6e49e66782037c0555897870e29fa5e552daf4719552131a0abce779daec0a5d",
  BeaconRoots: "0xf57acd40259872606d76197ef052f3d35588dadf919ee1f0e3cb9b62d3f4b02c",
};

/**
 * Where the published deployment transaction puts its code. Nobody has a key for it: the sender follows from the
 * signature, which is a number made up, and so from every byte of the transaction.
 */
function deployedAt(fields: {
  gasPrice: bigint;
  gasLimit: bigint;
  prefix: string;
  code: string;
  r: string;
  s: string;
}): string {
  const { gasPrice, gasLimit, prefix, code } = fields;
  const [r, s] = [fields.r, fields.s].map((word) => `0x${word.padStart(64, "0")}`);
  const data = `0x${prefix}${code.slice(2)}`;
  const signature = { r: r!, s: s!, v: 27 };
  const transaction = Transaction.from({ type: 0, nonce: 0, gasPrice, gasLimit, value: 0n, data, signature });
  return getCreateAddress({ from: transaction.from!, nonce: 0 }).toLowerCase();
}

describe("preinstalls", () => {
  it("have the code hashes of the main network, each under its name once", () => {
    const found = PREINSTALLS.map(({ name, code }) => [name, keccakHash(fromHex(code))]);
    expect(found.length).toBe(Object.keys(CODE_HASHES).length);
    expect(Object.fromEntries(found)).toEqual(CODE_HASHES);
  });

  it("stand at the usual addresses", () => {
    expect(Object.fromEntries(PREINSTALLS.map(({ name, address }) => [name, address]))).toEqual({
      DeterministicDeploymentProxy: "0x4e59b44847b379578588920ca78fbf26c0b4956c",
      Multicall3: "0xca11bde05977b3631167028862be2a173976ca11",
      Permit2: "0x000000000022d473030f116ddee9f6b43ac78ba3",
      EntryPoint: "0x0000000071727de22e5e9d8baf0edac6f37da032",
      SenderCreator: getCreateAddress({ from: "0x0000000071727de22e5e9d8baf0edac6f37da032", nonce: 1 }).toLowerCase(),
      BlockHashHistory: "0x0000f90827f1c53a10cb7a02335b175320002935",
      BeaconRoots: "0x000f3df6d732807ef1319fb7b8bb8522d0beac02",
    });
  });

  it("whose deployment transaction is published lie where it puts exactly this code", () => {
    const byEip = { gasPrice: 10n ** 12n, gasLimit: 250_000n, r: "539" };
    const history = { ...byEip, prefix: "60538060095f395ff3", s: "aa12693182426612186309f02cfe8a80a0000" };
    expect(deployedAt({ ...history, code: BLOCK_HASH_HISTORY.code })).toBe(BLOCK_HASH_HISTORY.address);
    const roots = { ...byEip, prefix: "60618060095f395ff3", s: "1b9b6eb1f0" };
    expect(deployedAt({ ...roots, code: BEACON_ROOTS.code })).toBe(BEACON_ROOTS.address);
    const proxy = { gasPrice: 10n ** 11n, gasLimit: 100_000n, prefix: "604580600e600039806000f350fe" };
    const made = "22".repeat(32);
    expect(deployedAt({ ...proxy, r: made, s: made, code: DEPLOYMENT_PROXY.code })).toBe(DEPLOYMENT_PROXY.address);
    const other = `${DEPLOYMENT_PROXY.code.slice(0, -1)}4`;
    expect(deployedAt({ ...proxy, r: made, s: made, code: other })).not.toBe(DEPLOYMENT_PROXY.address);
  });

  it("are written into genesis sorted by address, with the nonce of a contract and no balance", () => {
    const writes = preinstallWrites();
    expect(writes.map(({ address }) => address)).toEqual(writes.map(({ address }) => address).toSorted());
    for (const { account, code } of writes) {
      expect(account).toMatchObject({ balance: 0n, codeHash: keccakHash(code!) });
      expect(account!.nonce).toBeGreaterThanOrEqual(1n);
    }
    expect(writes.flatMap(({ slots }) => slots).length).toBe(1);
  });
});
