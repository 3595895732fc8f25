/** A storage host: provisions itself for the DACs that it is drawn for, and serves their values with proofs. */
import { type Address, type ChainId, type Hash, type PeerId, refused, type StateKey } from "@mvm/protocol";
import type { Dac, L1View } from "./l1View.ts";
import type { AnswerEffect, Moment, RequestedEvent } from "./machine.ts";

/** Create the DAC's database from its genesis, or open it, and follow its chain with state. */
export type ProvisionEffect = { readonly kind: "provision"; readonly dac: Dac };
/** Collect a proof and answer the request with it. Ends in a Served event. */
export type ServeEffect = {
  readonly kind: "serve";
  readonly ticket: string;
  readonly from: PeerId;
  readonly chainId: ChainId;
  readonly stateRoot: Hash;
  readonly keys: readonly StateKey[];
  readonly forWrites: boolean;
};

export type StorageEffect = AnswerEffect | ProvisionEffect | ServeEffect;

export type StorageEvent =
  | RequestedEvent
  | { readonly kind: "dacsChanged" }
  | { readonly kind: "served"; readonly ticket: string };

/** Proofs under way at once, in all and for one peer: what is beyond is refused, not queued. */
const MAX_PROOFS = 64;
const MAX_PROOFS_PER_PEER = 16;

export class Storage {
  readonly #view: L1View;
  readonly #operator: Address;
  readonly #provisioned = new Set<ChainId>();
  readonly #serving = new Map<string, PeerId>();

  constructor(options: { readonly view: L1View; readonly operator: Address }) {
    this.#view = options.view;
    this.#operator = options.operator;
  }

  get chains(): readonly ChainId[] {
    return [...this.#provisioned];
  }

  handle(event: StorageEvent, _moment: Moment): readonly StorageEffect[] {
    switch (event.kind) {
      case "dacsChanged":
        return this.#provision();
      case "served":
        this.#serving.delete(event.ticket);
        return [];
      case "requested":
        return event.request.name === "reads" ? this.#reads(event) : [];
    }
  }

  #provision(): readonly StorageEffect[] {
    const fresh = this.#view
      .dacs()
      .filter((dac) => dac.hosts.includes(this.#operator) && !this.#provisioned.has(dac.chainId));
    return fresh.map((dac) => {
      this.#provisioned.add(dac.chainId);
      return { kind: "provision", dac };
    });
  }

  #reads({ ticket, from, request }: RequestedEvent): readonly StorageEffect[] {
    if (request.name !== "reads") return [];
    const { chainId, stateRoot, keys, forWrites } = request.body;
    const no = (reason: string): readonly StorageEffect[] => [
      { kind: "answer", ticket, answer: { name: "reads", body: refused(reason) } },
    ];
    if (!this.#provisioned.has(chainId)) return no("not a host of this chain");
    const ofPeer = [...this.#serving.values()].filter((peer) => peer === from).length;
    if (this.#serving.size >= MAX_PROOFS || ofPeer >= MAX_PROOFS_PER_PEER) return no("busy");
    this.#serving.set(ticket, from);
    return [{ kind: "serve", ticket, from, chainId, stateRoot, keys, forWrites }];
  }
}
