import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, join, resolve } from "node:path";
import {
  drawBlockOf,
  drawSequencers,
  epochRandomness,
  type Hash,
  MAX_RANKS,
  SNAPSHOT_EPOCHS,
  STAKE_GRID_POSITIONS,
  StakeHistory,
  stakeGridOf,
  stakeGridReaching,
  toHash,
} from "@mvm/protocol";
import {
  AbiCoder,
  Contract,
  ContractFactory,
  encodeRlp,
  type InterfaceAbi,
  keccak256,
  stripZerosLeft,
  toBeHex,
} from "ethers";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Anvil, startAnvil } from "./anvil.ts";

const MT = 10n ** 18n;
const EPOCH_BLOCKS = 8;
const SEQUENCERS = 12;
const SEED = 0x4d564d;
/** Answers every call with a zero word: stands for the contracts whose answers are of no matter here. */
const SILENT_CODE = "0x60205ff3";
const SILENT = `0x${"51".repeat(20)}`;
const ROOT = resolve(import.meta.dirname, "../../..");
/** Slots of SequencerPool: `_operators` (4 slots each) and `_registrationOf`. */
const OPERATORS_SLOT = 0n;
const REGISTRATIONS_SLOT = 1n;

type Artifact = { readonly abi: InterfaceAbi; readonly bytecode: { readonly object: string } };

/** Compiles the contracts of elections into a folder of their own, so that no other build is disturbed. */
function compiled(...names: readonly string[]): Artifact[] {
  const folder = mkdtempSync(join(tmpdir(), "mvm-election-"));
  const bin = join(ROOT, "node_modules/.bin");
  const env = { ...process.env, PATH: `${bin}${delimiter}${process.env["PATH"] ?? ""}` };
  const sources = names.map((name) => join(ROOT, `contracts/src/${name}.sol`));
  const folders = ["--out", join(folder, "out"), "--cache-path", join(folder, "cache")];
  try {
    execFileSync(join(bin, "forge"), ["build", "--root", join(ROOT, "contracts"), ...folders, ...sources], {
      cwd: ROOT,
      env,
      stdio: "ignore",
    });
    return names.map((path) => {
      const name = path.slice(path.lastIndexOf("/") + 1);
      return JSON.parse(readFileSync(join(folder, `out/${name}.sol/${name}.json`), "utf8")) as Artifact;
    });
  } finally {
    rmSync(folder, { recursive: true });
  }
}

const accountOf = (index: number): string => toBeHex(0x10000 + index, 20);
const word = (value: bigint | number): string => toBeHex(value, 32);
const hex = (value: number): string => `0x${value.toString(16)}`;

describe("elections on L1 and in TypeScript", () => {
  let anvil: Anvil;
  let beacon: Contract;
  let pool: Contract;
  const random = fc.sample(fc.bigInt(0n, 2n ** 64n - 1n), { numRuns: 4_000, seed: SEED })[Symbol.iterator]();
  const next = (below: bigint): bigint => random.next().value! % below;

  const send = (method: string, params: unknown[]): Promise<unknown> => anvil.provider.send(method, params);

  async function deploy({ abi, bytecode }: Artifact, ...given: unknown[]): Promise<Contract> {
    const contract = await new ContractFactory(abi, bytecode.object, anvil.wallets[0]!).deploy(...given);
    await contract.waitForDeployment();
    return new Contract(await contract.getAddress(), abi, anvil.provider);
  }

  /** Writes accounts as so many registrations would, without their keys. */
  async function fillRegistry(): Promise<void> {
    const at = await pool.getAddress();
    const store = (slot: string, value: bigint | string): Promise<unknown> =>
      send("anvil_setStorageAt", [at, slot, word(BigInt(value))]);
    await store(word(OPERATORS_SLOT), BigInt(SEQUENCERS));
    for (let index = 0; index < SEQUENCERS; index++) {
      const key = AbiCoder.defaultAbiCoder().encode(["address", "uint256"], [accountOf(index), REGISTRATIONS_SLOT]);
      await store(word(BigInt(keccak256(word(OPERATORS_SLOT))) + 4n * BigInt(index)), accountOf(index));
      await store(keccak256(key), BigInt(index) + 1n);
    }
  }

  beforeAll(async () => {
    anvil = await startAnvil();
    const [token, beaconArtifact, poolArtifact] = compiled(
      "MetisToken",
      "election/RandomBeacon",
      "election/SequencerPool",
    );
    await send("anvil_setCode", [SILENT, SILENT_CODE]);
    await send("anvil_setBalance", [SILENT, word(10n ** 24n)]);
    await send("anvil_impersonateAccount", [SILENT]);
    const mt = await deploy(token!, anvil.wallets[0]!.address, 10n ** 9n * MT);
    beacon = await deploy(beaconArtifact!, await mt.getAddress(), SILENT, EPOCH_BLOCKS);
    pool = await deploy(poolArtifact!, await mt.getAddress(), await beacon.getAddress(), SILENT, 0);
    await fillRegistry();
  });

  afterAll(async () => {
    await anvil.stop();
  });

  /** Makes a random change and gives it to the mirror as its event tells it. */
  async function change(history: StakeHistory): Promise<void> {
    const kind = next(6n);
    const stakeWei = kind === 0n ? 0n : kind < 4n ? (1_000n + next(64n)) * MT : next(2n ** (8n + next(16n))) * MT;
    const data = pool.interface.encodeFunctionData("setStake", [accountOf(Number(next(BigInt(SEQUENCERS)))), stakeWei]);
    const hash = (await send("eth_sendTransaction", [{ from: SILENT, to: await pool.getAddress(), data }])) as string;
    const receipt = await anvil.receiptOf(hash);
    for (const log of receipt.logs) {
      const { index, grid } = pool.interface.parseLog(log)!.args;
      expect(Number(grid)).toBe(stakeGridOf(stakeWei));
      const epoch = BigInt(Math.floor(log.blockNumber / EPOCH_BLOCKS));
      history.apply({ epoch, index: Number(index), grid: Number(grid) });
    }
    await send("anvil_mine", [hex(Number(next(4n) === 0n ? next(20n) : next(4n)))]);
  }

  async function compare(history: StakeHistory): Promise<void> {
    const current = BigInt(await beacon["currentEpoch"]!());
    for (let back = 0n; back < BigInt(SNAPSHOT_EPOCHS) && back <= current; back++) {
      const tree = history.snapshot(current - back);
      const seed = word(next(2n ** 60n)) as Hash;
      const thresholdWei = next(3n) === 0n ? 0n : (990n + next(100n)) * MT;
      const ranks = drawSequencers({ tree, seed, thresholdWei }, MAX_RANKS);
      for (const rank of [0, Number(next(3n)), MAX_RANKS - 1]) {
        const drawn = await pool["draw"]!(seed, current - back, thresholdWei, rank);
        expect(BigInt(drawn)).toBe(BigInt(ranks[rank] === undefined ? 0 : accountOf(ranks[rank])));
      }
    }
    const thresholdWei = next(2_000n) * MT;
    const reached = history
      .snapshot(current)
      .countAtLeast(Math.min(stakeGridReaching(thresholdWei), STAKE_GRID_POSITIONS));
    expect(Number(await pool["countAtLeast"]!(thresholdWei, 64))).toBe(reached);
  }

  it(`after every one of many changes both draw the same from each of the last four epochs (seed ${SEED})`, async () => {
    const history = new StakeHistory();
    for (let changes = 0; changes < 60; changes++) {
      await change(history);
      if (changes % 2 === 0) await compare(history);
    }
  });

  it("an epoch's record is taken from a real header with the randomness that TypeScript gives", async () => {
    await send("anvil_mine", [hex(EPOCH_BLOCKS)]);
    const epoch = BigInt(await beacon["currentEpoch"]!());
    const number = drawBlockOf(epoch, EPOCH_BLOCKS);
    const block = (await send("eth_getBlockByNumber", [hex(Number(number)), false])) as Record<string, string>;
    const header = headerOf(block);
    expect(keccak256(header)).toBe(block["hash"]);
    const taken = await (beacon.connect(anvil.wallets[0]!) as Contract)["recordEpoch"]!(epoch, header);
    await anvil.receiptOf(taken.hash);
    const record = await beacon["recordOf"]!(epoch);
    expect([record.number, record.timestamp, record.baseFee].map(BigInt)).toEqual(
      ["number", "timestamp", "baseFeePerGas"].map((field) => BigInt(block[field]!)),
    );
    expect(record.randomness).toBe(epochRandomness(epoch, toHash(block["mixHash"]!)));
  });
});

/** RLP of a header of Osaka as anvil's node tells its fields. */
function headerOf(block: Record<string, string>): string {
  const given = (name: string): string => block[name]!;
  const integer = (name: string): string => stripZerosLeft(toBeHex(BigInt(given(name)), 32));
  return encodeRlp([
    ...["parentHash", "sha3Uncles", "miner", "stateRoot", "transactionsRoot", "receiptsRoot", "logsBloom"].map(given),
    ...["difficulty", "number", "gasLimit", "gasUsed", "timestamp"].map(integer),
    ...["extraData", "mixHash", "nonce"].map(given),
    integer("baseFeePerGas"),
    given("withdrawalsRoot"),
    ...["blobGasUsed", "excessBlobGas"].map(integer),
    ...["parentBeaconBlockRoot", "requestsHash"].map(given),
  ]);
}
