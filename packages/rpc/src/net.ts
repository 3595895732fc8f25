/** net_ methods. */
import { defineMethod, type Method } from "./method.ts";
import { quantity } from "./quantities.ts";

export const netMethods: readonly Method[] = [
  defineMethod("net_version", {}, ({ backend }) => backend.chainId.toString()),
  defineMethod("net_listening", {}, () => true),
  defineMethod("net_peerCount", {}, async ({ backend }) => quantity(await backend.peerCount())),
];
