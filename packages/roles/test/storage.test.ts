import { type PeerId, toChainId, ZERO_HASH } from "@mvm/protocol";
import { describe, expect, it } from "vitest";
import { Storage } from "../src/index.ts";
import { at, CHAIN, HOSTS, startView } from "./world.ts";

const view = startView();
const drawn = view.dac(CHAIN)!.hosts[0]!;
const NOW = at(10);
const provisioned = (): Storage => {
  const machine = new Storage({ view, operator: drawn });
  machine.handle({ kind: "dacsChanged" }, NOW);
  return machine;
};
const read = (machine: Storage, ticket: string, from: string, chainId = CHAIN) => {
  const body = { chainId, stateRoot: ZERO_HASH, keys: [], forWrites: false };
  return machine.handle({ kind: "requested", ticket, from: from as PeerId, request: { name: "reads", body } }, NOW)[0];
};
const refused = (reason: string) => ({ kind: "answer", answer: { name: "reads", body: { kind: "refused", reason } } });

describe("a storage host", () => {
  it("provisions itself once for the DACs it is drawn for, and for no other", () => {
    const machine = new Storage({ view, operator: drawn });
    expect(machine.handle({ kind: "dacsChanged" }, NOW)).toEqual([{ kind: "provision", dac: view.dac(CHAIN) }]);
    expect(machine.handle({ kind: "dacsChanged" }, NOW)).toEqual([]);
    expect(machine.chains).toEqual([CHAIN]);
    const other = HOSTS.find(({ operator }) => !view.dac(CHAIN)!.hosts.includes(operator))!;
    expect(new Storage({ view, operator: other.operator }).handle({ kind: "dacsChanged" }, NOW)).toEqual([]);
  });

  it("serves its chains alone", () => {
    const machine = provisioned();
    expect(read(machine, "a", "x")).toMatchObject({ kind: "serve", ticket: "a", chainId: CHAIN });
    expect(read(machine, "b", "x", toChainId(7))).toMatchObject(refused("not a host of this chain"));
  });

  it("works on 16 proofs for one peer and 64 in all, and refuses what is beyond until one is served", () => {
    const machine = provisioned();
    for (let i = 0; i < 16; i++) expect(read(machine, `a${i}`, "a")).toMatchObject({ kind: "serve" });
    expect(read(machine, "a16", "a")).toMatchObject(refused("busy"));
    for (let i = 0; i < 48; i++) expect(read(machine, `b${i}`, `b${i % 4}`)).toMatchObject({ kind: "serve" });
    expect(read(machine, "c", "c")).toMatchObject(refused("busy"));
    machine.handle({ kind: "served", ticket: "a0" }, NOW);
    expect(read(machine, "c", "c")).toMatchObject({ kind: "serve" });
  });
});
