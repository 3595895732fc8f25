/** A sequencer's care for deposits that are held on L1, for its own locks and for the draws: the machine, and what it asks L1 for. */
import { Caretaker, type CaretakerEffect, type CaretakerEvent, type L1View, type NoteEffect } from "@mvm/roles";
import { MachineDriver } from "./machineDriver.ts";
import type { Ports } from "./ports.ts";
import { reasonOf } from "./reason.ts";
import type { RequestDesk } from "./requestDesk.ts";

export class Caretaking {
  readonly #ports: Ports;
  readonly #driver: MachineDriver<CaretakerEvent, CaretakerEffect>;

  constructor({ ports, view, desk }: { ports: Ports; view: L1View; desk: RequestDesk }) {
    this.#ports = ports;
    this.#driver = new MachineDriver<CaretakerEvent, CaretakerEffect>({
      machine: new Caretaker({ view, operator: ports.identity.operator }),
      ports,
      desk,
      perform: (effect) => void this.#perform(effect),
    });
  }

  l1Changed(): void {
    this.#driver.dispatch({ kind: "l1Changed" });
  }

  bondsChanged(): void {
    this.#driver.dispatch({ kind: "bondsChanged" });
  }

  stop(): void {
    this.#driver.stop();
  }

  #perform(effect: Exclude<CaretakerEffect, NoteEffect>): Promise<void> {
    switch (effect.kind) {
      case "releaseHeld":
        return this.#release(effect);
      case "releaseLocks":
        return this.#releaseLocks(effect);
      case "eject":
        return this.#eject(effect);
    }
  }

  async #eject({ sequencer }: CaretakerEffect & { kind: "eject" }): Promise<void> {
    try {
      await this.#ports.poster.eject(sequencer);
      this.#driver.dispatch({ kind: "ejectEnded", sequencer, reason: null });
    } catch (error) {
      const reason = reasonOf(error);
      this.#ports.log("warn", "not-ejected", { sequencer, reason });
      this.#driver.dispatch({ kind: "ejectEnded", sequencer, reason });
    }
  }

  async #releaseLocks({ chainIds }: CaretakerEffect & { kind: "releaseLocks" }): Promise<void> {
    try {
      await this.#ports.poster.releaseLocks(chainIds);
      this.#driver.dispatch({ kind: "locksReleased", reason: null });
    } catch (error) {
      const reason = reasonOf(error);
      this.#ports.log("warn", "locks-not-released", { reason });
      this.#driver.dispatch({ kind: "locksReleased", reason });
    }
  }

  async #release({ chainId, id }: CaretakerEffect & { kind: "releaseHeld" }): Promise<void> {
    try {
      await this.#ports.poster.releaseHeld({ chainId, id });
      this.#driver.dispatch({ kind: "releaseEnded", chainId, id, reason: null });
    } catch (error) {
      const reason = reasonOf(error);
      this.#ports.log("debug", "deposit-not-released", { chainId, id, reason });
      this.#driver.dispatch({ kind: "releaseEnded", chainId, id, reason });
    }
  }
}
