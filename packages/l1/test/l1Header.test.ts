import { encodeL1Header, getHeader, L1Error } from "@mvm/l1";
import { keccakHash, toHex } from "@mvm/protocol";
import { decodeRlp } from "ethers";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Anvil, startAnvil } from "./anvil.ts";
import { blockHash, Recorder, startNetwork, type TestNetwork, tampered } from "./network.ts";

type Block = Readonly<Record<string, unknown>>;

const FORKS = [
  ["london", 16],
  ["paris", 16],
  ["shanghai", 17],
  ["cancun", 20],
  ["prague", 21],
  ["osaka", 21],
] as const;

const blockOf = async (anvil: Anvil, number: number): Promise<Block> =>
  (await anvil.provider.send("eth_getBlockByNumber", [`0x${number.toString(16)}`, false])) as Block;

const failureOf = (encode: () => unknown): unknown => {
  try {
    return encode();
  } catch (error) {
    return error;
  }
};

describe.each(FORKS)("headers of %s", (fork, fields) => {
  let anvil: Anvil;

  beforeAll(async () => {
    anvil = await startAnvil({ hardfork: fork });
    await anvil.wallets[0]!.sendTransaction({ to: anvil.wallets[1]!.address, value: 1n });
    await anvil.mine(2);
  });
  afterAll(() => anvil.stop());

  it(`have ${fields} fields, and hash to the block's hash`, async () => {
    for (const number of [1, 2, 3]) {
      const header = await getHeader(anvil.provider, BigInt(number));
      expect(keccakHash(header!)).toBe(await blockHash(anvil, BigInt(number)));
      expect(decodeRlp(header!)).toHaveLength(fields);
    }
  });

  it("are refused when any field is another", async () => {
    const block = await blockOf(anvil, 1);
    const names = Object.keys(block).filter((name) => typeof block[name] === "string");
    const outside = new Set(["size", "totalDifficulty"]);
    for (const name of names.filter((candidate) => !outside.has(candidate))) {
      const value = block[name] as string;
      const other = value.endsWith("1") ? `${value.slice(0, -1)}2` : `${value.slice(0, -1)}1`;
      const wrong = { ...block, [name]: value === "0x" ? "0x01" : other };
      expect(
        failureOf(() => encodeL1Header(wrong)),
        name,
      ).toMatchObject({ code: "header-mismatch" });
    }
  });
});

describe("a header", () => {
  let network: TestNetwork;

  beforeAll(async () => {
    network = await startNetwork();
  });
  afterAll(() => network.stop());

  it("of a block that L1 does not have is undefined", async () => {
    expect(await getHeader(network.anvil.provider, 1_000_000n)).toBeUndefined();
  });

  it("of another block than was asked for is refused", async () => {
    const other = await blockOf(network.anvil, 2);
    const transport = tampered(network.anvil.provider, async () => other);
    await expect(getHeader(transport, 1n)).rejects.toMatchObject({ code: "bad-response" });
  });

  it("with a field of a later fork that is not known here is refused", async () => {
    const block = await blockOf(network.anvil, 2);
    const later = { ...block, blockAccessListHash: `0x${"22".repeat(32)}` };
    expect(failureOf(() => encodeL1Header(later))).toMatchObject({ code: "header-mismatch" });
  });

  it("of any value gives bytes or a typed error, never anything else", async () => {
    const block = await blockOf(network.anvil, 2);
    const keys = Object.keys(block);
    const odd = fc.oneof(fc.anything(), fc.string(), fc.uint8Array().map(toHex));
    const changed = fc.tuple(fc.constantFrom(...keys), odd).map(([key, value]) => ({ ...block, [key]: value }));
    fc.assert(
      fc.property(fc.oneof(fc.anything(), changed), (value) => {
        const result = failureOf(() => encodeL1Header(value));
        expect(result instanceof Uint8Array || result instanceof L1Error).toBe(true);
      }),
    );
  });

  it("holds the randomness that the follower tells of its block", async () => {
    const { anvil, addresses, firstBlock } = network;
    await anvil.mine(3);
    const recorder = new Recorder({ transport: anvil.provider, addresses, fromBlock: firstBlock });
    await recorder.untilBlock(firstBlock + 3n);
    await recorder.stop();
    const blocks = recorder.ofType("block");
    expect(new Set(blocks.map(({ prevRandao }) => prevRandao)).size).toBe(blocks.length);
    for (const { number, hash, prevRandao } of blocks) {
      const header = (await getHeader(anvil.provider, number))!;
      expect(keccakHash(header)).toBe(hash);
      expect(decodeRlp(header)[13]).toBe(prevRandao);
    }
  });
});
