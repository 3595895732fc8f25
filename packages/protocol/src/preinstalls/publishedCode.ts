/** Contracts whose code is published with their address, so short that it stands here as it is. */
import { toAddress } from "../hex.ts";
import type { Hex } from "../primitives.ts";

/** Nick's deterministic deployment proxy: CREATE2 of what follows a 32-byte salt; returns the 20-byte address. */
export const DEPLOYMENT_PROXY = {
  name: "DeterministicDeploymentProxy",
  address: toAddress("0x4e59b44847b379578588920ca78fbf26c0b4956c"),
  code: "0x7fffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffe03601600081602082378035828234f58015156039578182fd5b8082525050506014600cf3" as Hex,
} as const;

/** EIP-2935: hashes of the last 8,191 blocks; the system sets the parent's at the start of each block. */
export const BLOCK_HASH_HISTORY = {
  name: "BlockHashHistory",
  address: toAddress("0x0000f90827f1c53a10cb7a02335b175320002935"),
  code: "0x3373fffffffffffffffffffffffffffffffffffffffe14604657602036036042575f35600143038111604257611fff81430311604257611fff9006545f5260205ff35b5f5ffd5b5f35611fff60014303065500" as Hex,
} as const;

/** EIP-4788: beacon roots of the last 8,191 timestamps; the system sets one at the start of each block. */
export const BEACON_ROOTS = {
  name: "BeaconRoots",
  address: toAddress("0x000f3df6d732807ef1319fb7b8bb8522d0beac02"),
  code: "0x3373fffffffffffffffffffffffffffffffffffffffe14604d57602036146024575f5ffd5b5f35801560495762001fff810690815414603c575f5ffd5b62001fff01545f5260205ff35b5f5ffd5b62001fff42064281555f359062001fff015500" as Hex,
} as const;
