/** A sequencer's cover: the machine that sends jobs of no block where there are none. */
import { Cover, type CoverEffect, type CoverEvent, type L1View } from "@mvm/roles";
import { MachineDriver } from "./machineDriver.ts";
import type { NetworkSettings, Ports } from "./ports.ts";
import type { RequestDesk } from "./requestDesk.ts";

export class Covering {
  readonly #driver: MachineDriver<CoverEvent, CoverEffect>;

  constructor({
    ports,
    settings: { parameters },
    view,
    desk,
  }: {
    ports: Ports;
    settings: NetworkSettings;
    view: L1View;
    desk: RequestDesk;
  }) {
    const { operator } = ports.identity;
    const machine = new Cover({ view, operator, parameters });
    this.#driver = new MachineDriver<CoverEvent, CoverEffect>({ machine, ports, desk, perform: () => undefined });
    desk.onJob = (ticket) => this.#driver.dispatch({ kind: "jobSent", ticket });
  }

  /** To be told once L1 has been read up to its head. */
  start(): void {
    this.#driver.dispatch({ kind: "started" });
  }

  stop(): void {
    this.#driver.stop();
  }
}
