declare module "secp256k1" {
  export function ecdsaRecover(
    signature: Uint8Array,
    recoveryId: number,
    message: Uint8Array,
    compressed: boolean,
  ): Uint8Array;
  export function ecdsaSign(message: Uint8Array, privateKey: Uint8Array): { signature: Uint8Array; recid: number };
  export function publicKeyCreate(privateKey: Uint8Array, compressed: boolean): Uint8Array;
  export function privateKeyVerify(privateKey: Uint8Array): boolean;
}
