/** Hosts of a DAC before an L1 that takes what they say into its next block. */

import {
  type Address,
  blsKeyFromSeed,
  blsSecretFromSeed,
  fromHex,
  type HostSet,
  type KeyHost,
  type KeyRecord,
  taggedHash,
  toChainId,
  toWord,
} from "@mvm/protocol";
import { combine, evaluatePartly, prfMessage } from "@mvm/protocol/threshold";
import { KeyMessages } from "../../roles/src/keyMessages.ts";
import { type CeremonyEffect, KeyCeremony } from "../src/index.ts";

export const CHAIN = toChainId(7n);
export const DOMAIN = taggedHash("test/domain");
export const EPOCH_BLOCKS = 4;
export const ROUND_BLOCKS = 2 * EPOCH_BLOCKS;

export type Person = KeyHost & { readonly blsSecret: Uint8Array };

export function person(n: number): Person {
  const seed = fromHex(taggedHash("test/host", toWord(BigInt(n))));
  const operator = taggedHash("test/operator", toWord(BigInt(n))).slice(0, 42) as Address;
  return { operator, blsPublicKey: blsKeyFromSeed(seed).publicKey, blsSecret: blsSecretFromSeed(seed) };
}

/** Changes what a host says; null: it says nothing. */
export type Twist = (effect: CeremonyEffect, by: Person) => CeremonyEffect | null;

export class KeyWorld {
  readonly people: readonly Person[];
  readonly machines: Map<Person, KeyCeremony>;
  readonly #kept = new KeyMessages(EPOCH_BLOCKS);
  #sets: readonly HostSet[] = [];
  #onTheWay: { readonly by: Person; readonly effect: CeremonyEffect }[] = [];
  l1Block = 10n;
  twist: Twist = (effect) => effect;
  said = 0;

  constructor(people: readonly Person[]) {
    this.people = people;
    this.machines = new Map(people.map((one) => [one, this.#machine(one)]));
  }

  #machine({ operator, blsSecret }: Person): KeyCeremony {
    return new KeyCeremony({ domain: DOMAIN, chainId: CHAIN, epochBlocks: EPOCH_BLOCKS, operator, blsSecret });
  }

  get record(): KeyRecord {
    return { sets: this.#sets, messages: this.#kept.of(CHAIN) };
  }

  of(one: Person): KeyCeremony {
    return this.machines.get(one)!;
  }

  /** From the next L1 block on. */
  setHosts(hosts: readonly Person[]): void {
    const keys = hosts.map(({ operator, blsPublicKey }) => ({ operator, blsPublicKey }));
    this.#sets = [...this.#sets, { since: this.l1Block + 1n, hosts: keys }];
  }

  /** A host's process ends and begins again, with nothing but its key. */
  restart(one: Person): void {
    this.machines.set(one, this.#machine(one));
  }

  /** One L1 block, which only those who are awake see. */
  block(awake: readonly Person[] = this.people): void {
    this.l1Block += 1n;
    for (const { by, effect } of this.#onTheWay.splice(0)) {
      const { round, isComplaint, data } = effect;
      const message = { round, isComplaint, data, host: by.operator, l1Block: this.l1Block };
      this.#kept.said(CHAIN, this.#sets, message);
      this.said += 1;
    }
    for (const by of awake) {
      for (const effect of this.of(by).l1Changed(this.record, this.l1Block)) {
        const twisted = this.twist(effect, by);
        if (twisted !== null) this.#onTheWay.push({ by, effect: twisted });
      }
    }
  }

  /** @param perBlock who is awake in each block */
  blocks(count: number, perBlock: (i: number) => readonly Person[] = () => this.people): void {
    for (let i = 0; i < count; i++) this.block(perBlock(i));
  }

  /** What these compute together; null where their parts do not combine. */
  value(of: readonly Person[], input = "input"): string | null {
    const shares = of.map((one) => this.of(one).share);
    const key = shares[0]?.key;
    if (key === undefined) return null;
    const message = prfMessage({
      domain: DOMAIN,
      chainId: CHAIN,
      purpose: "object",
      input: new TextEncoder().encode(input),
    });
    const parts = shares.flatMap((own) =>
      own === null ? [] : [{ member: own.member, partial: evaluatePartly(own.share, message) }],
    );
    const combined = combine(key, message, parts);
    return combined.kind === "value" ? combined.output : null;
  }
}
