/** The storage role of a node: the machine, and the proofs that it serves from the databases. */
import { type ChainId, type NamedRequest, type PeerId, refused } from "@mvm/protocol";
import { type Dac, type L1View, type ServeEffect, Storage, type StorageEffect, type StorageEvent } from "@mvm/roles";
import { StateError } from "@mvm/state";
import type { Chain } from "./chain.ts";
import { MachineDriver } from "./machineDriver.ts";
import type { Ports } from "./ports.ts";
import type { RequestDesk } from "./requestDesk.ts";

export class Hosting {
  readonly #driver: MachineDriver<StorageEvent, StorageEffect>;
  readonly #desk: RequestDesk;
  readonly #chains: ReadonlyMap<ChainId, Chain>;
  readonly #provision: (dac: Dac) => void;

  constructor(options: {
    ports: Ports;
    view: L1View;
    desk: RequestDesk;
    chains: ReadonlyMap<ChainId, Chain>;
    /** opens a DAC's database with state */
    provision: (dac: Dac) => void;
  }) {
    const { ports, view, desk, chains, provision } = options;
    this.#desk = desk;
    this.#chains = chains;
    this.#provision = provision;
    const machine = new Storage({ view, operator: ports.identity.operator });
    this.#driver = new MachineDriver<StorageEvent, StorageEffect>({
      machine,
      ports,
      desk,
      perform: (effect) => this.#perform(effect),
    });
  }

  dacsChanged(): void {
    this.#driver.dispatch({ kind: "dacsChanged" });
  }

  requested(ticket: string, from: PeerId, request: NamedRequest): void {
    this.#driver.dispatch({ kind: "requested", ticket, from, request });
  }

  stop(): void {
    this.#driver.stop();
  }

  #perform(effect: StorageEffect): void {
    if (effect.kind === "provision") this.#provision(effect.dac);
    else if (effect.kind === "serve") this.#serve(effect);
  }

  #serve({ ticket, chainId, stateRoot, keys, forWrites }: ServeEffect): void {
    let body:
      | ReturnType<typeof refused>
      | { kind: "proof"; nodes: readonly Uint8Array[]; codes: readonly Uint8Array[] };
    try {
      const chain = this.#chains.get(chainId);
      body =
        chain === undefined ? refused("not ready yet") : { kind: "proof", ...chain.prove(stateRoot, keys, forWrites) };
    } catch (error) {
      if (!(error instanceof StateError)) throw error;
      body = refused(`${error.code}: ${error.message}`);
    }
    this.#desk.answer(ticket, { name: "reads", body });
    this.#driver.dispatch({ kind: "served", ticket });
  }
}
