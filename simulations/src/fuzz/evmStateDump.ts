/** Where two states whose roots differ do differ: account by account, from anvil's dump of its own. */
import { gunzipSync } from "node:zlib";
import { type Address, EMPTY_CODE_HASH, fromHex, keccakHash, toHash } from "@mvm/protocol";
import type { MemoryState } from "../memoryState.ts";
import type { AnvilPeer } from "./anvilPeer.ts";

type DumpedAccount = {
  readonly nonce: string;
  readonly balance: string;
  readonly code: string;
  readonly storage: Readonly<Record<string, string>>;
};

const ABSENT: DumpedAccount = { nonce: "0", balance: "0x0", code: "0x", storage: {} };

type Values = ReadonlyMap<string, string>;

function peerValues({ nonce, balance, code, storage }: DumpedAccount): Values {
  const values = new Map([
    ["nonce", String(BigInt(nonce))],
    ["balance", String(BigInt(balance))],
    ["code", keccakHash(fromHex(code))],
  ]);
  for (const [slot, value] of Object.entries(storage))
    if (BigInt(value) !== 0n) values.set(`slot ${toHash(slot)}`, String(BigInt(value)));
  return values;
}

function ourValues(state: MemoryState, address: Address): Values {
  const account = state.account(address);
  const values = new Map([
    ["nonce", String(account?.nonce ?? 0n)],
    ["balance", String(account?.balance ?? 0n)],
    ["code", account?.codeHash ?? EMPTY_CODE_HASH],
  ]);
  for (const [slot, value] of state.storages.get(address) ?? []) values.set(`slot ${slot}`, String(value));
  return values;
}

/** Every value that the two hold differently, in words; an empty account is as good as an absent one, as is a zero slot. */
export async function dumpDifferences(state: MemoryState, peer: AnvilPeer): Promise<readonly string[]> {
  const dump = (await peer.ask("anvil_dumpState", [])) as string;
  // Nonces are numbers of up to 64 bits.
  const text = gunzipSync(fromHex(dump))
    .toString()
    .replaceAll(/"nonce":(\d+)/g, '"nonce":"$1"');
  const { accounts } = JSON.parse(text) as { accounts: Readonly<Record<string, DumpedAccount>> };
  const theirs = new Map(
    Object.entries(accounts).map(([address, account]) => [address.toLowerCase() as Address, account]),
  );
  const differences: string[] = [];
  for (const address of new Set([...state.accounts.keys(), ...theirs.keys()])) {
    const [left, right] = [ourValues(state, address), peerValues(theirs.get(address) ?? ABSENT)];
    for (const key of new Set([...left.keys(), ...right.keys()])) {
      const [ours, peers] = [left.get(key) ?? "0", right.get(key) ?? "0"];
      if (ours !== peers) differences.push(`${address} ${key}: ours ${ours}, anvil's ${peers}`);
    }
  }
  return differences;
}
