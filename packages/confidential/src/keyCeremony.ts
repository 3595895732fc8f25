/**
 * A storage host in the ceremonies by which a DAC's hosts make the key that they share (page 50, docs/decisions/066-key-ceremony.md): says what it deals,
 * whose dealing was wrong, and knows its share. A DAC's first key is made when somebody needs it; from then on every change of the
 * hosts has it handed on. Nothing is kept on disk: all of it follows from L1 and the host's own key.
 */
import {
  type Address,
  blsKeyFromSecret,
  type ChainId,
  type Hash,
  type Hex,
  type KeyRecord,
  taggedHash,
} from "@mvm/protocol";
import { encodeComplaint, makeDealing, openDealing, ownShareOf, type ThresholdKey } from "@mvm/protocol/threshold";
import { complaintOf, KeyLedger, type KeyState, type MadeKey, type OpenRound } from "./keyLedger.ts";

export type KeyCeremonyOptions = {
  readonly domain: Hash;
  readonly chainId: ChainId;
  /** L1 blocks of an epoch */
  readonly epochBlocks: number;
  readonly operator: Address;
  /** of the host's registered key: 32 bytes */
  readonly blsSecret: Uint8Array;
};

/** Something to be said on L1. */
export type CeremonyEffect = {
  readonly kind: "postCeremonyMessage";
  readonly chainId: ChainId;
  readonly round: bigint;
  readonly isComplaint: boolean;
  readonly data: Uint8Array;
};

/** A member's share of a key, 32 bytes, secret. */
export type OwnShare = { readonly key: ThresholdKey; readonly member: number; readonly share: Uint8Array };

export class KeyCeremony {
  readonly #options: KeyCeremonyOptions;
  readonly #ledger: KeyLedger;
  readonly #blsPublicKey: Hex;
  #isWanted = false;
  #state: KeyState = { made: null, open: null };
  /** what was said in the round, and may not be on L1 yet: null for the dealing, or about whom a complaint was */
  #said: { readonly round: Hash; readonly about: Set<number | null> } | null = null;
  #share: { readonly of: MadeKey; readonly own: OwnShare | null } | null = null;

  constructor(options: KeyCeremonyOptions) {
    this.#options = options;
    this.#ledger = new KeyLedger(options);
    this.#blsPublicKey = blsKeyFromSecret(options.blsSecret).publicKey;
  }

  /** The key of the present hosts; null while they have none. */
  get key(): ThresholdKey | null {
    return this.#state.open === null ? (this.#state.made?.key ?? null) : null;
  }

  /** The own share of the last key that was made; null for who has none of it. */
  get share(): OwnShare | null {
    const { made } = this.#state;
    if (made === null) return null;
    if (this.#share?.of !== made) this.#share = { of: made, own: this.#openShare(made) };
    return this.#share.own;
  }

  /** Somebody needs a key: it is made, unless there is one. */
  want(): void {
    this.#isWanted = true;
  }

  /** L1 took no message in a round: it is said again. */
  failed(): void {
    this.#said = null;
  }

  /** Takes what L1 shows at the end of an L1 block. */
  l1Changed(record: KeyRecord, l1Block: bigint): readonly CeremonyEffect[] {
    this.#state = this.#ledger.at(record, l1Block);
    const { open } = this.#state;
    if (open === null) {
      this.#isWanted &&= this.#state.made === null;
      return [];
    }
    if (this.#said?.round !== open.round.id) this.#said = { round: open.round.id, about: new Set() };
    return open.isForComplaints ? this.#complaints(open) : this.#dealing(open);
  }

  /** Deals once, where a key is handed on, somebody needs one, or others have begun. */
  #dealing(open: OpenRound): readonly CeremonyEffect[] {
    const { blsSecret } = this.#options;
    const dealer = this.#placeOf(open.dealers);
    const isDue = this.#state.made !== null || this.#isWanted || open.dealings.length > 0;
    if (dealer < 0 || !isDue || this.#hasSaid(open, null)) return [];
    const share = this.#state.made === null ? null : (this.share?.share ?? null);
    if (share === null && this.#state.made !== null) return [];
    this.#said!.about.add(null);
    // the same in every run, so that a host that was stopped says nothing else
    const seed = taggedHash("mvm/dealing-seed/1", blsSecret, open.round.id);
    return [this.#effect(open, makeDealing(open.round, { dealer, seed, share }))];
  }

  #complaints(open: OpenRound): readonly CeremonyEffect[] {
    const member = this.#placeOf(open.hosts);
    if (member < 0) return [];
    return open.dealings.flatMap((dealing) => {
      if (this.#hasSaid(open, dealing.dealer)) return [];
      const opened = openDealing(open.round, dealing, { member, secret: this.#options.blsSecret });
      this.#said!.about.add(dealing.dealer);
      return opened.kind === "share" ? [] : [this.#effect(open, encodeComplaint(opened.complaint))];
    });
  }

  /** Whether the own dealing, or a complaint about a dealer, is on L1 or on its way there. */
  #hasSaid({ messages }: OpenRound, about: number | null): boolean {
    if (this.#said!.about.has(about)) return true;
    return messages
      .filter(({ host, isComplaint }) => host === this.#options.operator && isComplaint === (about !== null))
      .some(({ data }) => about === null || complaintOf(data).some(({ dealer }) => dealer === about));
  }

  #effect({ round, isForComplaints }: OpenRound, data: Uint8Array): CeremonyEffect {
    const { chainId } = this.#options;
    return { kind: "postCeremonyMessage", chainId, round: round.number, isComplaint: isForComplaints, data };
  }

  /** Under the present key: an account that registered anew has none of the places that it had before. */
  #placeOf(hosts: OpenRound["hosts"]): number {
    const { operator } = this.#options;
    return hosts.findIndex((host) => host.operator === operator && host.blsPublicKey === this.#blsPublicKey);
  }

  #openShare({ key, round, hosts, dealings }: MadeKey): OwnShare | null {
    const member = this.#placeOf(hosts);
    if (member < 0) return null;
    const opened = new Map<number, Uint8Array>();
    for (const dealing of dealings) {
      const own = openDealing(round, dealing, { member, secret: this.#options.blsSecret });
      if (own.kind === "share") opened.set(dealing.dealer, own.share);
    }
    // a complaint of its own did not come to L1 in time
    if (!key.dealers.every((dealer) => opened.has(dealer))) return null;
    return { key, member, share: ownShareOf(round, key, { member, opened }) };
  }
}
