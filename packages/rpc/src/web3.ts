/** web3_ methods. */
import { keccakHash } from "@mvm/protocol";
import { defineMethod, type Method } from "./method.ts";
import { bytesParam } from "./schemas.ts";

export const web3Methods: readonly Method[] = [
  defineMethod("web3_clientVersion", {}, ({ clientVersion }) => clientVersion),
  defineMethod("web3_sha3", { data: bytesParam }, (_context, { data }) => keccakHash(data)),
];
