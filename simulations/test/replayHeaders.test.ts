/** HeaderCodec.sol and HeaderRules.sol against packages/protocol, roles and node: which field of a header is wrong. */
import { rootsFault } from "@mvm/node";
import {
  type Checkpoint,
  concatBytes,
  encodeHeader,
  encodeRlp,
  encodeRlpList,
  fromHex,
  GENESIS_BASE_FEE,
  type Hash,
  type Header,
  hashHeader,
  keccakHash,
  LIMITS,
  nextBaseFee,
  PROFILES,
  prevRandaoOf,
  type RlpInput,
  toHex,
  type UnsignedBlock,
} from "@mvm/protocol";
import { blockFault, GENESIS_CONTEXT, L1View, parentOf } from "@mvm/roles";
import { decodeRlp } from "ethers";
import fc from "fast-check";
import { beforeAll, describe, expect, it } from "vitest";
import { ProofLab } from "./proofLab.ts";
import { bytesOf, CHAIN, HARNESS, hashes, uint } from "./replayCases.ts";

const RUNS = { numRuns: 120 };
const FIELDS = [
  "none",
  "parentHash",
  "ommersHash",
  "beneficiary",
  "stateRoot",
  "transactionsRoot",
  "receiptsRoot",
  "logsBloom",
  "difficulty",
  "number",
  "gasLimit",
  "gasUsed",
  "timestamp",
  "extraData",
  "prevRandao",
  "nonce",
  "baseFeePerGas",
  "withdrawalsRoot",
  "blobGasUsed",
  "excessBlobGas",
  "parentBeaconBlockRoot",
  "requestsHash",
  "layout",
] as const;
type Field = (typeof FIELDS)[number];
/** Fields with a value of their own, and how many bytes integers may have. */
const INTEGERS: Partial<Record<Field, number>> = { number: 8, gasUsed: 8, timestamp: 8, baseFeePerGas: 32 };
const WORDS: readonly Field[] = [
  "parentHash",
  "stateRoot",
  "transactionsRoot",
  "receiptsRoot",
  "extraData",
  "prevRandao",
  "withdrawalsRoot",
];

let lab: ProofLab;
beforeAll(async () => {
  lab = await ProofLab.open(HARNESS);
});

const LADDER = [GENESIS_BASE_FEE];
for (;;) {
  const next = nextBaseFee({ baseFeePerGas: LADDER.at(-1)!, gasUsed: LIMITS.blockGas });
  if (next === LADDER.at(-1)) break;
  LADDER.push(next);
}

const headers: fc.Arbitrary<Header> = fc.record({
  parentHash: hashes,
  stateRoot: hashes,
  transactionsRoot: hashes,
  receiptsRoot: hashes,
  logsBloom: bytesOf(256),
  number: uint(64),
  gasUsed: uint(64),
  timestamp: uint(64),
  checkpointsRoot: hashes,
  withdrawalsRoot: hashes,
  prevRandao: hashes,
  baseFeePerGas: uint(256),
});

const fieldOf = (told: unknown): Field => FIELDS[Number(told)]!;

async function decode(bytes: Uint8Array) {
  const [fault, fields] = await lab.tell("header", [bytes]);
  return { fault: fieldOf(fault), fields: fields.toObject() };
}

describe("headers", () => {
  it("are read with every field that is no constant", async () => {
    await fc.assert(
      fc.asyncProperty(headers, async (header) => {
        const { logsBloom, ...rest } = header;
        const derived = { hash: hashHeader(header), bloomHash: keccakHash(logsBloom) };
        expect(await decode(encodeHeader(header))).toEqual({ fault: "none", fields: { ...rest, ...derived } });
      }),
      RUNS,
    );
  });

  /** What each field has to be, said once more: which other contents leave the header one. */
  const isRight = (field: Field, item: RlpInput, own: Uint8Array): boolean => {
    if (!(item instanceof Uint8Array)) return false;
    const most = INTEGERS[field];
    if (most !== undefined) return item.length <= most && item[0] !== 0;
    if (field === "logsBloom") return item.length === 256;
    return WORDS.includes(field) ? item.length === 32 : toHex(item) === toHex(own);
  };

  it("with any field of another form, or a constant of another value, are faulted by that field", async () => {
    const others: readonly RlpInput[] = [0, 1, 4, 8, 9, 20, 31, 32, 33, 256].flatMap((length) => [
      new Uint8Array(length).fill(1),
      new Uint8Array(length),
    ]);
    await fc.assert(
      fc.asyncProperty(headers, async (header) => {
        const items = (decodeRlp(toHex(encodeHeader(header))) as string[]).map((item) =>
          fromHex(item as `0x${string}`),
        );
        for (const [i, own] of items.entries()) {
          const field = FIELDS[i + 1]!;
          for (const item of [...others, []]) {
            const expected = isRight(field, item, own) ? "none" : field;
            expect((await decode(encodeRlp(items.with(i, item as Uint8Array)))).fault).toBe(expected);
          }
          const rest = encodeRlp(items.slice(0, i));
          expect((await decode(rest)).fault).toBe(field);
        }
        for (const other of [
          encodeRlp([...items, new Uint8Array(0)]),
          encodeRlp(concatBytes(...items.map(encodeRlp))),
          encodeRlp(items).subarray(1),
          encodeRlp(items).subarray(0, -1),
          Uint8Array.from([...encodeRlp(items), 0]),
          new Uint8Array(0),
          new Uint8Array(40),
        ])
          expect((await decode(other)).fault).toBe("layout");
      }),
      { numRuns: 2 },
    );
  });

  /** The field that each byte belongs to; the list's own header is the layout's. */
  const ownersOf = (encoded: Uint8Array): Field[] => {
    const items = decodeRlp(toHex(encoded)) as string[];
    const owners: Field[] = items.flatMap((item, i) => {
      const { length } = encodeRlp(fromHex(item as `0x${string}`));
      return Array.from({ length }, () => FIELDS[i + 1]!);
    });
    return [...Array.from({ length: encoded.length - owners.length }, () => "layout" as const), ...owners];
  };

  it("are read within their own bytes alone: the field is wrong in which they end", async () => {
    await fc.assert(
      fc.asyncProperty(headers, async (header) => {
        const own = encodeHeader(header);
        const owners = ownersOf(own).filter((owner) => owner !== "layout");
        const payload = own.subarray(own.length - owners.length);
        for (let cut = 0; cut < payload.length; cut++) {
          const list = encodeRlpList([payload.subarray(0, cut)]);
          const whole = concatBytes(list, payload.subarray(cut));
          expect(fieldOf((await lab.tell("headerFaultWithin", [whole, list.length]))[0])).toBe(owners[cut]);
        }
      }),
      { numRuns: 1 },
    );
  });

  it("with any byte changed are no header, or the one that the bytes are the only encoding of", async () => {
    await fc.assert(
      fc.asyncProperty(headers, bytesOf(61), async (header, masks) => {
        const own = encodeHeader(header);
        const owners = ownersOf(own);
        let seen = 0;
        for (let i = 0; i < own.length; i++) {
          const bytes = own.with(i, own[i]! ^ (masks[i % masks.length]! || 1));
          const { fault, fields } = await decode(bytes);
          if (fault !== "none") {
            // a changed integer may be a shorter one, or seem to be: then what follows it is wrong
            const [least, field] = [FIELDS.indexOf(owners[i]!), FIELDS.indexOf(fault)];
            if (owners[i]! in INTEGERS) expect(field).toBeGreaterThanOrEqual(least);
            else expect(fault).toBe(owners[i]);
            continue;
          }
          seen++;
          const { hash, bloomHash, ...rest } = fields as Omit<Header, "logsBloom"> & {
            hash: string;
            bloomHash: string;
          };
          const items = decodeRlp(toHex(bytes)) as string[];
          const logsBloom = fromHex(items[6] as `0x${string}`);
          expect(keccakHash(logsBloom)).toBe(bloomHash);
          expect(toHex(encodeHeader({ ...rest, logsBloom }))).toBe(toHex(bytes));
          expect(hash).toBe(keccakHash(bytes));
        }
        // seven words, the bloom and some digits may be anything
        expect(seen).toBeGreaterThanOrEqual(7 * 32 + 256);
      }),
      { numRuns: 2 },
    );
  });
});

const TICK = BigInt(PROFILES.mainnet.tickSeconds);
const parents: fc.Arbitrary<Header> = fc
  .tuple(
    headers,
    fc.constantFrom(...LADDER),
    fc.oneof(
      fc.constantFrom(0n, 1n, 2n, 3n).map((n) => (n * LIMITS.blockGas) / 4n),
      fc.bigInt({ min: 0n, max: LIMITS.blockGas }),
      fc.constantFrom(15_000_000n - 1n, 15_000_000n, 45_000_000n, 45_000_001n),
    ),
    fc.bigInt({ min: 0n, max: 2n ** 40n }),
    fc.bigInt({ min: 0n, max: 2n ** 40n }),
  )
  .map(([header, baseFeePerGas, gasUsed, number, ticks]) => {
    return { ...header, baseFeePerGas, gasUsed, number, timestamp: ticks * TICK };
  });

/** A header that follows from its parent and from its sequencer's randomness. */
const childOf = (parent: Header, randomness: Hash, header: Header, ticks: bigint): Header => ({
  ...header,
  number: parent.number + 1n,
  parentHash: hashHeader(parent),
  timestamp: parent.timestamp + (1n + ticks) * TICK,
  baseFeePerGas: nextBaseFee(parent),
  prevRandao: prevRandaoOf(randomness),
  gasUsed: header.gasUsed % LIMITS.blockGas,
});

const FAULTS: Record<string, Field> = {
  "number does not follow the parent": "number",
  "parent hash differs": "parentHash",
  "timestamp does not follow the parent": "timestamp",
  "timestamp is off the ticks": "timestamp",
  "base fee": "baseFeePerGas",
  "prevRandao does not follow from the sequencer's randomness": "prevRandao",
  "L1 values are not those of the slot": "none",
};

const view = new L1View(PROFILES.mainnet);

/** What the rules of a block say of parent and randomness, the rest of the block left aside. */
function blockFaultOf(parent: Header, header: Header, randomness: Hash): Field {
  const block: UnsignedBlock = {
    chainId: CHAIN,
    generation: 0n,
    header,
    context: { ...GENESIS_CONTEXT, slot: 1n, randomness },
    transactions: [new Uint8Array(1)],
    outcomes: [{ kind: "included", status: 1, gasUsed: header.gasUsed, logs: [], writes: [] } as never],
    evidence: null,
  };
  const before = parentOf({ ...block, header: parent, context: GENESIS_CONTEXT });
  const fault = blockFault({ view, parameters: PROFILES.mainnet }, before, block, 2n ** 64n);
  const field = FAULTS[fault ?? ""];
  if (field === undefined) throw new Error(`no field: ${fault}`);
  return field;
}

const changes = fc.constantFrom(
  "nothing",
  "number",
  "parentHash",
  "timestamp",
  "sameTime",
  "tick",
  "baseFeePerGas",
  "prevRandao",
);

describe("a header", () => {
  it("follows from its parent and its randomness where the rules of blocks say so, else is faulted by their field", async () => {
    const seen = new Set<Field>();
    const more = fc.tuple(fc.bigInt({ min: 0n, max: 100n }), fc.array(changes, { maxLength: 2 }));
    await fc.assert(
      fc.asyncProperty(parents, headers, hashes, more, async (parent, header, randomness, [ticks, changed]) => {
        const child = childOf(parent, randomness, header, ticks);
        const other: Record<string, Partial<Header>> = {
          number: { number: child.number + header.number + 1n },
          parentHash: { parentHash: header.parentHash },
          timestamp: { timestamp: (header.timestamp % (parent.timestamp + 1n)) * TICK },
          sameTime: { timestamp: parent.timestamp },
          tick: { timestamp: child.timestamp + 1n },
          baseFeePerGas: { baseFeePerGas: LADDER[Number(header.number % BigInt(LADDER.length))]! },
          prevRandao: { prevRandao: header.prevRandao },
        };
        const given = { ...child, ...Object.assign({}, ...changed.map((name) => other[name] ?? {})) } as Header;
        if (given.number >= 2n ** 64n) return;
        const args = [encodeHeader(given), encodeHeader(parent), TICK];
        let told = fieldOf((await lab.tell("parentFault", args))[0]);
        if (told === "none") told = fieldOf((await lab.tell("randomnessFault", [args[0], randomness]))[0]);
        expect(told).toBe(blockFaultOf(parent, given, randomness));
        seen.add(told);
      }),
      { numRuns: 300 },
    );
    expect([...seen].sort()).toEqual(["baseFeePerGas", "none", "number", "parentHash", "prevRandao", "timestamp"]);
  });

  it("has the base fee of packages/protocol at every step of the ladder, and after none that is on no step", async () => {
    const gas = [0n, 15_000_000n - 1n, 15_000_000n, 30_000_000n, 45_000_000n, 45_000_001n, LIMITS.blockGas];
    expect(LADDER.length).toBe(128);
    for (const baseFeePerGas of LADDER) {
      for (const gasUsed of gas.slice(Number(baseFeePerGas % 3n))) {
        const told = await lab.tell("nextBaseFee", [baseFeePerGas, gasUsed]);
        expect([...told]).toEqual([true, nextBaseFee({ baseFeePerGas, gasUsed })]);
      }
      expect((await lab.tell("nextBaseFee", [baseFeePerGas + 1n, 0n]))[0]).toBe(false);
    }
    const [parent, header] = [
      fc.sample(parents, { seed: 7, numRuns: 1 })[0]!,
      fc.sample(headers, { seed: 7, numRuns: 1 })[0]!,
    ];
    for (const fee of [0n, GENESIS_BASE_FEE - 1n, (LADDER.at(-1)! * 9n) / 8n, 2n ** 256n - 1n]) {
      expect((await lab.tell("nextBaseFee", [fee, 0n]))[0]).toBe(false);
      const before = { ...parent, baseFeePerGas: fee };
      const child = childOf(parent, header.prevRandao, header, 0n);
      for (const baseFeePerGas of [0n, fee, GENESIS_BASE_FEE]) {
        const after = encodeHeader({ ...child, parentHash: hashHeader(before), baseFeePerGas });
        const told = await lab.tell("parentFault", [after, encodeHeader(before), TICK]);
        expect(fieldOf(told[0])).toBe("baseFeePerGas");
      }
    }
  });

  it("is its last checkpoint's where rootsFault says so, else is faulted by its field", async () => {
    const names = ["stateRoot", "transactionsRoot", "receiptsRoot", "gasUsed", "logsBloom"] as const;
    const changed = fc.array(fc.constantFrom(...names), { maxLength: 2 });
    const seen = new Set<Field>();
    await fc.assert(
      fc.asyncProperty(headers, headers, changed, async (sample, other, list) => {
        const header = { ...sample, gasUsed: sample.gasUsed % (LIMITS.blockGas + 1n) };
        const roots = { ...header, ...Object.fromEntries(list.map((name) => [name, other[name]])) };
        const last: Checkpoint = {
          index: 3,
          stateRoot: roots.stateRoot,
          cumulativeGasUsed: roots.gasUsed,
          receiptHash: other.parentHash,
          transactionsRoot: roots.transactionsRoot,
          receiptsRoot: roots.receiptsRoot,
          bloomHash: keccakHash(roots.logsBloom),
        };
        const { stateRoot, transactionsRoot, receiptsRoot, gasUsed, logsBloom } = roots;
        const fault = rootsFault(header, { stateRoot, transactionsRoot, receiptsRoot, gasUsed, logsBloom });
        const told = fieldOf((await lab.tell("checkpointFault", [encodeHeader(header), last]))[0]);
        expect(told).toBe(fault === null ? "none" : fault.split(" ")[0]);
        seen.add(told);
      }),
      { numRuns: 150 },
    );
    expect([...seen].sort()).toEqual([...names, "none"].sort());
  });

  it("uses no more gas than a block may, and has the storage root of MVM_L2ToL1", async () => {
    const sample = fc.sample(headers, { seed: 7, numRuns: 1 })[0]!;
    for (const gasUsed of [LIMITS.blockGas, LIMITS.blockGas + 1n]) {
      const { stateRoot, transactionsRoot, receiptsRoot, logsBloom, parentHash: receiptHash } = sample;
      const roots = { stateRoot, transactionsRoot, receiptsRoot, receiptHash, bloomHash: keccakHash(logsBloom) };
      const last = { index: 0, cumulativeGasUsed: gasUsed, ...roots };
      const told = await lab.tell("checkpointFault", [encodeHeader({ ...sample, gasUsed }), last]);
      expect(fieldOf(told[0])).toBe(gasUsed === LIMITS.blockGas ? "none" : "gasUsed");
    }
    for (const root of [sample.withdrawalsRoot, sample.stateRoot]) {
      const told = await lab.tell("withdrawalsFault", [encodeHeader(sample), root]);
      expect(fieldOf(told[0])).toBe(root === sample.withdrawalsRoot ? "none" : "withdrawalsRoot");
    }
  });
});
