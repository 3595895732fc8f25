/**
 * Keys as sealed texts: web3 secret storage (version 3) for the L1 account, as wallets and L1 nodes read it, and EIP-2335 (version 4) for any
 * other secret.
 */
import { create, decrypt, defaultScryptModule, type IKeystore } from "@chainsafe/bls-keystore";
import { type Address, addressOf, fromHex, type Hex, LIMITS, toAddress } from "@mvm/protocol";
import { decryptKeystoreJson, encryptKeystoreJson, isError } from "ethers";
import { z } from "zod";
import type { Password } from "./password.ts";

const WEB3_VERSION = 3;
const EIP2335_VERSION = 4;
/** Parameters of scrypt beside N, in both standards' own examples of today's strength. */
const SCRYPT_R = 8;
const SCRYPT_P = 1;
/** Bounds of what a file may ask for, so that a damaged one takes neither all memory nor all day. */
const MAX_P = 16;
const MAX_PBKDF2_ROUNDS = 2 ** 24;

export class KeystoreError extends Error {
  readonly code: /** no keystore of its kind, or what it holds is not the key that it names */
  "damaged" | "newer-version";
  constructor(code: KeystoreError["code"], message: string, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause });
    this.name = "KeystoreError";
    this.code = code;
  }
}

/** The three secret keys of an operator. */
export type Secrets = {
  readonly l1: Hex;
  readonly bls: Uint8Array;
  /** libp2p's PrivateKey protobuf */
  readonly peer: Uint8Array;
};

/** A sealed key. */
export type Keystore<Key> = {
  /** Null where the checksum says that this is not the password, or that the sealed bytes are damaged. Rejects with KeystoreError damaged. */
  open(password: Password): Promise<Key | null>;
};

const hex = z.string().regex(/^([0-9a-fA-F]{2})*$/, "is not hexadecimal");
const scryptBounds = z
  .looseObject({
    n: z.number().int().positive(),
    r: z.number().int().positive(),
    p: z.number().int().min(1).max(MAX_P),
  })
  .refine(({ n, r }) => n * r <= LIMITS.keystoreScryptN * SCRYPT_R, "asks for more memory than any keystore needs");
const pbkdf2Bounds = z.looseObject({ c: z.number().int().min(1).max(MAX_PBKDF2_ROUNDS) });

/** What ethers does not check itself. */
const web3Schema = z.looseObject({
  address: z.string().regex(/^(0x)?[0-9a-fA-F]{40}$/, "is not a 20-byte hex address"),
  crypto: z.union([
    z.looseObject({ kdf: z.literal("scrypt"), kdfparams: scryptBounds }),
    z.looseObject({ kdf: z.literal("pbkdf2"), kdfparams: pbkdf2Bounds }),
  ]),
});

const moduleOf = <Name extends string, Params extends z.ZodType>(name: Name, params: Params, message: z.ZodString) =>
  z.looseObject({ function: z.literal(name), params, message });
const salted = { salt: hex, dklen: z.literal(32) };
const eip2335Schema = z.looseObject({
  uuid: z.string(),
  path: z.string(),
  pubkey: hex.optional(),
  crypto: z.looseObject({
    kdf: z.union([
      moduleOf("scrypt", scryptBounds.safeExtend(salted), z.string()),
      moduleOf("pbkdf2", pbkdf2Bounds.extend({ ...salted, prf: z.literal("hmac-sha256") }), z.string()),
    ]),
    checksum: moduleOf("sha256", z.looseObject({}), hex.length(64)),
    cipher: moduleOf("aes-128-ctr", z.looseObject({ iv: hex.length(32) }), hex),
  }),
});

/** The object in a text, if its version is the one that is known. Throws KeystoreError. */
function objectIn(text: string, version: number): Record<string, unknown> {
  let parsed: unknown;
  try {
    parsed = JSON.parse(text);
  } catch (cause) {
    throw new KeystoreError("damaged", "is not JSON", cause);
  }
  if (typeof parsed !== "object" || parsed === null) throw new KeystoreError("damaged", "is no keystore");
  // web3 secret storage leaves open how its fields are capitalised
  const fields = Object.fromEntries(Object.entries(parsed).map(([name, value]) => [name.toLowerCase(), value]));
  const has = fields["version"];
  if (typeof has === "number" && has > version)
    throw new KeystoreError("newer-version", `has version ${has}, this program knows ${version}: update the program`);
  if (has !== version) throw new KeystoreError("damaged", `is no keystore of version ${version}`);
  return fields;
}

function checked<T>(schema: z.ZodType<T>, value: unknown): T {
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  const where = result.error.issues.map(({ path, message }) => `${path.join(".")} ${message}`).join(", ");
  throw new KeystoreError("damaged", `is no whole keystore (${where})`, result.error);
}

/** Seals the secret key of an account. */
export async function sealAccount(key: Hex, password: Password, scryptN: number): Promise<string> {
  const account = { address: addressOf(fromHex(key)), privateKey: key };
  const sealed = await encryptKeystoreJson(account, password, { scrypt: { N: scryptN, r: SCRYPT_R, p: SCRYPT_P } });
  const { Crypto: crypto, ...fields } = JSON.parse(sealed) as Record<string, unknown>;
  return `${JSON.stringify({ ...fields, crypto }, null, 2)}\n`;
}

/** A sealed account; its address stands in the open. Throws KeystoreError. */
export function parseAccount(text: string): Keystore<Hex> & { readonly address: Address } {
  const { address } = checked(web3Schema, objectIn(text, WEB3_VERSION));
  return {
    address: toAddress(`0x${address.replace(/^0x/, "")}`),
    open: async (password) => {
      try {
        return (await decryptKeystoreJson(text, password)).privateKey as Hex;
      } catch (cause) {
        if (isError(cause, "INVALID_ARGUMENT") && cause.argument === "password") return null;
        throw new KeystoreError("damaged", "cannot be opened to the key of its address", cause);
      }
    },
  };
}

/** Seals any secret; its public key, where it has one, and what it is, stand in the open. */
export async function sealSecret(
  secret: Uint8Array,
  password: Password,
  options: { readonly scryptN: number; readonly description: string; readonly publicKey?: Hex },
): Promise<string> {
  const { scryptN: n, description, publicKey } = options;
  const kdf = defaultScryptModule();
  const scrypt = { ...kdf, params: { ...kdf.params, n, r: SCRYPT_R, p: SCRYPT_P } } as typeof kdf;
  // no path: these keys are drawn, not derived
  const { pubkey, ...sealed } = await create(password, secret, fromHex(publicKey ?? "0x"), "", description, scrypt);
  return `${JSON.stringify(publicKey === undefined ? sealed : { ...sealed, pubkey }, null, 2)}\n`;
}

/** What the library throws where the checksum does not fit; the tests of its own vectors hold it to that. */
const NOT_THE_PASSWORD = "Invalid password";

/** A sealed secret. Throws KeystoreError. */
export function parseSecret(text: string): Keystore<Uint8Array> & { readonly publicKey: Hex | undefined } {
  const keystore = checked(eip2335Schema, objectIn(text, EIP2335_VERSION));
  return {
    publicKey: keystore.pubkey === undefined ? undefined : (`0x${keystore.pubkey.toLowerCase()}` as Hex),
    open: async (password) => {
      try {
        return await decrypt(keystore as unknown as IKeystore, password);
      } catch (cause) {
        if (cause instanceof Error && cause.message === NOT_THE_PASSWORD) return null;
        throw new KeystoreError("damaged", "cannot be opened by any password", cause);
      }
    },
  };
}
