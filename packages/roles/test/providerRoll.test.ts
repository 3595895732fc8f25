import { type Address, SNAPSHOT_DISTANCE, toAddress } from "@mvm/protocol";
import { expect, it } from "vitest";
import type { Member } from "../src/index.ts";
import { ProviderRoll } from "../src/providerRoll.ts";
import { operator } from "./world.ts";

const A = toAddress(`0x${"a".repeat(40)}`);
const B = toAddress(`0x${"b".repeat(40)}`);
const member = (by: Address, index: number): Member => ({ ...operator("somebody", index), operator: by });
const EPOCH = 5n;

it("a provider counts for the slots whose draw comes after its epoch has closed, and not before", () => {
  const roll = new ProviderRoll();
  roll.registered(member(A, 3), EPOCH);
  expect(roll.indexOf(A, EPOCH + SNAPSHOT_DISTANCE - 1n)).toBeUndefined();
  expect(roll.indexOf(A, EPOCH + SNAPSHOT_DISTANCE)).toBe(3);
  expect(roll.indexOf(B, EPOCH + SNAPSHOT_DISTANCE)).toBeUndefined();
  expect(roll.operatorOf(3)).toBe(A);
});

it("a number that L1 took back is given to another", () => {
  const roll = new ProviderRoll();
  const back = roll.registered(member(A, 3), EPOCH);
  back();
  expect(roll.operatorOf(3)).toBeUndefined();
  roll.registered(member(B, 3), EPOCH);
  expect(roll.operatorOf(3)).toBe(B);
  expect(roll.indexOf(A, EPOCH + SNAPSHOT_DISTANCE)).toBeUndefined();
});

it("who leaves and comes again has both numbers, and counts by the first", () => {
  const roll = new ProviderRoll();
  roll.registered(member(A, 3), EPOCH);
  const back = roll.registered(member(A, 7), EPOCH + 9n);
  expect([roll.operatorOf(3), roll.operatorOf(7)]).toEqual([A, A]);
  expect(roll.indexOf(A, EPOCH + SNAPSHOT_DISTANCE)).toBe(3);
  back();
  expect([roll.operatorOf(3), roll.operatorOf(7)]).toEqual([A, undefined]);
  expect(roll.indexOf(A, EPOCH + SNAPSHOT_DISTANCE)).toBe(3);
});
