/**
 * Witnesses of real executions: the engine runs transfers of a token, creations, self-destructions and deletions of
 * slots over values that a host proves, and the roots after each transaction come from the nodes collected on the way, as
 * a sequencer computes them. Whatever the host leaves out, no other root comes out of it.
 */
import { createAddress, createEngine, type Engine, ExecutionError, type HardforkName, OverlayReader } from "@mvm/evm";
import {
  type AccountWrite,
  type Address,
  type BlockEnvironment,
  EMPTY_CODE_HASH,
  EMPTY_TRIE_ROOT,
  fromHex,
  type Hash,
  type IncludedOutcome,
  keccak,
  keccakHash,
  type StateKey,
  type TransactionMessage,
  toAddress,
  toHex,
  toWordHex,
  ZERO_HASH,
} from "@mvm/protocol";
import {
  type ChainValues,
  NodeMap,
  type Proof,
  ProvenReader,
  RecordingSource,
  SparseState,
  StateError,
  StateView,
  WorldState,
} from "@mvm/state";
import fc from "fast-check";
import { beforeAll, describe, expect, it } from "vitest";

const USERS = 12;
const CHILDREN = 6;
const addressOfNumber = (n: number): Address => toAddress(`0x${n.toString(16).padStart(40, "0")}`);
const user = (n: number): Address => addressOfNumber(0x1000 + n);
const child = (n: number): Address => addressOfNumber(0x2000 + n);
const TOKEN = addressOfNumber(0x70);
const FACTORY = addressOfNumber(0xfac);

/** transfer(to, amount) as two words; balances at the slot of their owner's address. Nothing is checked. */
const TOKEN_CODE = fromHex("0x602035335481900333555f3554015f355500");
/** Self-destructs in favour of the caller. */
const CHILD_CODE = fromHex("0x33ff");
/** Each call creates a child with slot 0 set and the call's value; called with data, it destroys the child at once. */
const FACTORY_CODE = fromHex(
  "0x6d60015f556133ff5f526002601ef35f52" + "600e601234f0" + "3615602457" + "5f5f5f5f5f855af1" + "5b00",
);

const chain: ChainValues = { number: () => 7n, chainId: () => 4_242n, blockHash: () => ZERO_HASH };
const ENVIRONMENT: BlockEnvironment = {
  timestamp: 1_800_000_000n,
  baseFeePerGas: 10n,
  gasLimit: 60_000_000n,
  prevRandao: ZERO_HASH,
  feeRecipient: addressOfNumber(0xfee),
};

function contract(address: Address, code: Uint8Array, slots: AccountWrite["slots"], balance = 0n): AccountWrite {
  return { address, account: { nonce: 1n, balance, codeHash: keccakHash(code) }, code, slots };
}

/** The state before the block: users, the token with some of them as holders, children to destroy. */
function baseWrites(): AccountWrite[] {
  const users = Array.from({ length: USERS }, (_, n) => user(n));
  const holders = users.slice(0, 8).map((holder) => ({ slot: toWordHex(BigInt(holder)), value: 100n }));
  return [
    ...users.map((address): AccountWrite => {
      return { address, account: { nonce: 0n, balance: 10n ** 20n, codeHash: EMPTY_CODE_HASH }, code: null, slots: [] };
    }),
    contract(TOKEN, TOKEN_CODE, holders),
    contract(FACTORY, FACTORY_CODE, []),
    ...Array.from({ length: CHILDREN }, (_, n) => {
      const slots = Array.from({ length: n }, (_entry, slot) => ({ slot: toWordHex(BigInt(slot)), value: 5n }));
      return contract(child(n), CHILD_CODE, slots, 3n);
    }),
  ];
}

/** A host with the state; `leavesOut`: hash of a node or code that it never sends. */
class Host {
  readonly source = new NodeMap();
  readonly root: Hash;
  readonly #view: StateView;
  readonly #codes: ReadonlyMap<Hash, Uint8Array>;

  constructor(base: readonly AccountWrite[]) {
    const state = new WorldState(this.source, EMPTY_TRIE_ROOT);
    this.root = state.applyWrites(base);
    for (const { encoded } of state.unstoredNodes()) this.source.add(encoded);
    this.#codes = new Map(base.flatMap(({ code }) => (code === null ? [] : [[keccakHash(code), code] as const])));
    const code = (hash: Hash): Uint8Array => this.#codes.get(hash)!;
    this.#view = new StateView({ source: this.source, root: this.root, chain, code });
  }

  reader(sent: Proof[], leavesOut?: Hash): ProvenReader {
    const kept = (bytes: Uint8Array): boolean => keccakHash(bytes) !== leavesOut;
    return new ProvenReader({
      root: this.root,
      chain,
      signal: new AbortController().signal,
      fetch: async ({ keys, forWrites }) => {
        const whole = forWrites ? { nodes: this.#view.witnessFor(keys), codes: [] } : this.#view.proveReads(keys);
        const proof = { nodes: whole.nodes.filter(kept), codes: whole.codes.filter(kept) };
        sent.push(proof);
        return proof;
      },
    });
  }
}

function message(from: number, nonce: bigint, fields: Partial<TransactionMessage>): TransactionMessage {
  return {
    type: 2,
    from: user(from),
    to: null,
    nonce,
    gasLimit: 1_000_000n,
    maxFeePerGas: 20n,
    maxPriorityFeePerGas: 1n,
    value: 0n,
    data: new Uint8Array(0),
    accessList: [],
    authorizations: [],
    l1Fee: 0n,
    ...fields,
  };
}

type Action =
  | { readonly kind: "token"; readonly from: number; readonly to: number; readonly amount: bigint }
  | { readonly kind: "plain"; readonly from: number; readonly to: number }
  | { readonly kind: "create"; readonly from: number; readonly destroyed: boolean }
  | { readonly kind: "destroy"; readonly from: number; readonly child: number };

function fieldsOf(action: Action): Partial<TransactionMessage> {
  switch (action.kind) {
    case "token": {
      const words = [toWordHex(BigInt(user(action.to))), toWordHex(action.amount)];
      return { to: TOKEN, data: fromHex(`0x${words.map((word) => word.slice(2)).join("")}`) };
    }
    case "plain":
      return { to: addressOfNumber(0x9000 + action.to), value: 1n };
    case "create":
      return { to: FACTORY, value: 2n, data: new Uint8Array(action.destroyed ? 1 : 0) };
    case "destroy":
      return { to: child(action.child) };
  }
}

function messagesOf(actions: readonly Action[]): TransactionMessage[] {
  const nonces = new Map<number, bigint>();
  return actions.map((action) => {
    const nonce = nonces.get(action.from) ?? 0n;
    nonces.set(action.from, nonce + 1n);
    return message(action.from, nonce, fieldsOf(action));
  });
}

type Made = {
  readonly outcomes: readonly IncludedOutcome[];
  readonly roots: readonly Hash[];
  readonly nodes: readonly Uint8Array[];
};

function keysWritten(outcomes: readonly IncludedOutcome[]): StateKey[] {
  return outcomes.flatMap(({ writes }) =>
    writes.flatMap(({ address, slots }): StateKey[] => [
      { kind: "account", address },
      ...slots.map(({ slot }): StateKey => ({ kind: "slot", address, slot })),
    ]),
  );
}

/** Executes and computes the roots over what a host proves. */
async function make(engine: Engine, reader: ProvenReader, messages: readonly TransactionMessage[]): Promise<Made> {
  const outcomes = await engine.execute(ENVIRONMENT, messages, new OverlayReader(reader));
  const included = outcomes.map((outcome) => {
    if (outcome.kind === "invalid") throw new Error(outcome.reason);
    return outcome;
  });
  await reader.fetchWitness(keysWritten(included));
  const nodes = reader.collectedNodes();
  const state = SparseState.fromProof(reader.root, nodes);
  return { outcomes: included, roots: included.map(({ writes }) => state.applyWrites(writes)), nodes };
}

/** Reads at the parent's root all that the execution read, then applies what it wrote. */
function recompute({ outcomes }: Made, state: WorldState): Hash[] {
  for (const { reads } of outcomes) {
    for (const read of reads) {
      if (read.kind === "account") state.account(read.address);
      if (read.kind === "slot") state.slot(read.address, read.slot);
    }
  }
  return outcomes.map(({ writes }) => state.applyWrites(writes));
}

/** The state error in an error or among its causes. */
function stateErrorIn(error: unknown): StateError {
  if (error instanceof ExecutionError) return stateErrorIn(error.cause);
  expect(error).toBeInstanceOf(StateError);
  return error as StateError;
}

const byUser = { from: fc.nat(USERS - 1) };
const action: fc.Arbitrary<Action> = fc.oneof(
  fc.record({
    kind: fc.constant("token" as const),
    ...byUser,
    to: fc.nat(USERS - 1),
    amount: fc.constantFrom(0n, 1n, 40n, 100n),
  }),
  fc.record({ kind: fc.constant("plain" as const), ...byUser, to: fc.nat(20) }),
  fc.record({ kind: fc.constant("create" as const), ...byUser, destroyed: fc.boolean() }),
  fc.record({ kind: fc.constant("destroy" as const), ...byUser, child: fc.nat(CHILDREN - 1) }),
);

const host = new Host(baseWrites());
const engines = new Map<HardforkName, Engine>();
beforeAll(async () => {
  for (const hardfork of ["osaka", "shanghai"] as const) engines.set(hardfork, await createEngine({ hardfork }));
});

// Under the rules of Shanghai a self-destruction takes an account with its storage, whenever it was created.
describe.each(["osaka", "shanghai"] as const)("witness of an execution by the rules of %s", (hardfork) => {
  it("gives the roots of the whole state; without any entry that the computation needs, an error that names it", async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(action, { minLength: 1, maxLength: 8 }), async (actions) => {
        const made = await make(engines.get(hardfork)!, host.reader([]), messagesOf(actions));
        expect(made.outcomes.map(({ status }) => status)).toEqual(actions.map(() => 1));
        expect(recompute(made, new WorldState(host.source, host.root))).toEqual(made.roots);
        const recording = new RecordingSource(host.source);
        recompute(made, new WorldState(recording, host.root));
        const needed = recording.recorded;
        let found = 0;
        for (const [i, node] of made.nodes.entries()) {
          const less = made.nodes.toSpliced(i, 1);
          const replay = (): Hash[] => recompute(made, SparseState.fromProof(host.root, less));
          if (needed.get(keccak(node)) === undefined) {
            // A sibling that a collapse would need, had the host's keys been deleted: it changes nothing.
            expect(replay()).toEqual(made.roots);
            continue;
          }
          found++;
          expect(replay).toThrow(
            expect.objectContaining({ name: "StateError", code: "missing-node", hash: keccakHash(node) }),
          );
        }
        expect(found).toBe(needed.size);
      }),
      { numRuns: 40 },
    );
  });

  it("cannot be made where a host leaves out any one node or code, at whatever point", async () => {
    const actions: Action[] = [
      { kind: "token", from: 0, to: 1, amount: 100n },
      { kind: "token", from: 2, to: 11, amount: 7n },
      { kind: "create", from: 3, destroyed: false },
      { kind: "create", from: 4, destroyed: true },
      { kind: "destroy", from: 5, child: 5 },
      { kind: "destroy", from: 5, child: 1 },
      { kind: "plain", from: 6, to: 3 },
    ];
    const messages = messagesOf(actions);
    const engine = engines.get(hardfork)!;
    const sent: Proof[] = [];
    const made = await make(engine, host.reader(sent), messages);
    const entries = new Set(sent.flatMap(({ nodes, codes }) => [...nodes, ...codes]).map((bytes) => keccakHash(bytes)));
    expect(entries.size).toBeGreaterThan(20);
    for (const hash of entries) {
      const error = await make(engine, host.reader([], hash), messages).catch((thrown: unknown) => thrown);
      const { code, data } = stateErrorIn(error);
      expect(["missing-node", "missing-code"]).toContain(code);
      expect(data["hash"]).toBe(hash);
    }
    const gone = made.outcomes.flatMap(({ writes }) => writes).filter(({ account }) => account === null);
    expect(gone.map(({ address }) => address)).toEqual(hardfork === "shanghai" ? [child(5), child(1)] : []);
    const deleted = made.outcomes.flatMap(({ writes }) => writes.flatMap(({ slots }) => slots));
    expect(deleted.some(({ value }) => value === 0n)).toBe(true);
    const created = SparseState.fromProof(host.root, made.nodes);
    for (const { writes } of made.outcomes) created.applyWrites(writes);
    expect(toHex(keccak(CHILD_CODE))).toBe(created.account(createAddress(FACTORY, 1n))!.codeHash);
  });
});
