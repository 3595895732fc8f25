/** What every provider does beside its jobs: carries sealed jobs of others. */
import type { JobId, NamedRequest, PeerId } from "@mvm/protocol";
import {
  type Carriers,
  Courier,
  type CourierEffect,
  type CourierEvent,
  type CourierLoad,
  type L1View,
} from "@mvm/roles";
import { MachineDriver } from "./machineDriver.ts";
import type { NetworkSettings, Ports } from "./ports.ts";
import type { RequestDesk } from "./requestDesk.ts";

export class Carrying {
  readonly #machine: Courier;
  readonly #driver: MachineDriver<CourierEvent, CourierEffect>;

  constructor({
    ports,
    settings,
    view,
    desk,
    carriers,
  }: {
    ports: Ports;
    settings: NetworkSettings;
    view: L1View;
    desk: RequestDesk;
    carriers: Carriers;
  }) {
    const { jobTimeoutMs, readTimeoutMs } = settings.parameters;
    const { operator } = ports.identity;
    const self = ports.network.peerId;
    this.#machine = new Courier({ view, operator, self, carriers, jobTimeoutMs, valuesTimeoutMs: readTimeoutMs });
    const machine = this.#machine;
    this.#driver = new MachineDriver<CourierEvent, CourierEffect>({ machine, ports, desk, perform: () => undefined });
  }

  get load(): CourierLoad {
    return this.#machine.load;
  }

  requested(ticket: string, from: PeerId, request: NamedRequest, hop?: JobId): void {
    this.#driver.dispatch({ kind: "requested", ticket, from, request, ...(hop !== undefined && { hop }) });
  }

  stop(): void {
    this.#driver.stop();
  }
}
