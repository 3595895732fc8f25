import { toHex } from "@mvm/protocol";
import { describe, expect, it } from "vitest";
import { parseAccount, parseSecret, sealAccount, sealSecret } from "../src/keystores.ts";
import { toPassword } from "../src/password.ts";
import { SCRYPT_N } from "./settings.ts";

/** The test vectors of EIP-2335. */
const PASSWORD = "𝔱𝔢𝔰𝔱𝔭𝔞𝔰𝔰𝔴𝔬𝔯𝔡🔑";
const SECRET = "0x000000000019d6689c085ae165831e934ff763ae46a2a6c172b3f1b60a8ce26f";
const PUBLIC_KEY = "9612d7a727c9d0a22e185a1c768478dfe919cada9266988cb32359c11f2b7b27f4ae4040902382ae2910c15e2b420d07";
const SALT = "d4e56740f876aef8c010b86a40d5f56745a118d0906a34e69aec8c0db1cb8fa3";
const IV = "264daa3f303d7259501c93d997d84fe6";

const vectorOf = (kdf: object, checksum: string, message: string): string =>
  JSON.stringify({
    crypto: {
      kdf: { ...kdf, message: "" },
      checksum: { function: "sha256", params: {}, message: checksum },
      cipher: { function: "aes-128-ctr", params: { iv: IV }, message },
    },
    description: "This is a test keystore of 0x000000000019d6689c085ae165831e934ff763ae46a2a6c172b3f1b60a8ce26f",
    pubkey: PUBLIC_KEY,
    path: "m/12381/60/0/0",
    uuid: "64625def-3331-4eea-ab6f-782f3ed16a83",
    version: 4,
  });
const VECTORS = {
  scrypt: vectorOf(
    { function: "scrypt", params: { dklen: 32, n: 262_144, p: 1, r: 8, salt: SALT } },
    "d2217fe5f3e9a1e34581ef8a78f7c9928e436d36dacc5e846690a5581e8ea484",
    "06ae90d55fe0a6e9c5c3bc5b170827b2e5cce3929ed3f116c2811e6366dfe20f",
  ),
  pbkdf2: vectorOf(
    { function: "pbkdf2", params: { dklen: 32, c: 262_144, prf: "hmac-sha256", salt: SALT } },
    "8a9f5d9912ed7e75ea794bc5a89bca5f193721d30868ade6f73043c6ea6febf1",
    "cee03fde2af33149775b7223e7845e4fb2c8ae1792e5f99fe9ecf474cc8c16ad",
  ),
};

describe("a keystore of EIP-2335", () => {
  it.each(Object.entries(VECTORS))("is opened as the standard's own, by %s", async (_kdf, text) => {
    const keystore = parseSecret(text);
    expect(keystore.publicKey).toBe(`0x${PUBLIC_KEY}`);
    expect(toHex((await keystore.open(toPassword(PASSWORD)))!)).toBe(SECRET);
    expect(toHex((await keystore.open(toPassword("testpassword🔑")))!)).toBe(SECRET);
    expect(await keystore.open(toPassword("testpassword"))).toBeNull();
  });

  it.each<readonly [string, object]>([
    ["of 2 GiB", { function: "scrypt", params: { dklen: 32, n: 2 ** 21, r: 8, p: 1, salt: SALT } }],
    [
      "of 2 GiB in wide blocks",
      { function: "scrypt", params: { dklen: 32, n: 2 ** 10, r: 2 ** 14, p: 1, salt: SALT } },
    ],
    ["of 17 times the work", { function: "scrypt", params: { dklen: 32, n: 2 ** 10, r: 8, p: 17, salt: SALT } }],
    ["of endless rounds", { function: "pbkdf2", params: { dklen: 32, c: 2 ** 25, prf: "hmac-sha256", salt: SALT } }],
  ])("that asks for a derivation %s is refused before any of it, in either standard", (_what, kdf) => {
    expect(() => parseSecret(vectorOf(kdf, "00".repeat(32), "00"))).toThrow(
      expect.objectContaining({ code: "damaged" }),
    );
    const { function: name, params } = kdf as { function: string; params: object };
    const web3 = { version: 3, address: "00".repeat(20), crypto: { kdf: name, kdfparams: params } };
    expect(() => parseAccount(JSON.stringify(web3))).toThrow(expect.objectContaining({ code: "damaged" }));
  });

  it("keeps bytes of any length", async () => {
    const password = toPassword("p");
    for (const length of [1, 32, 36, 68, 1_200]) {
      const secret = Uint8Array.from({ length }, (_, i) => i);
      const text = await sealSecret(secret, password, { scryptN: SCRYPT_N, description: "bytes" });
      expect(toHex((await parseSecret(text).open(password))!)).toBe(toHex(secret));
    }
  });
});

describe("a keystore of web3 secret storage", () => {
  it("is opened as the standard's own: password testpassword, by pbkdf2", async () => {
    const key = "0x7a28b5ba57c53603b0b07b56bba752f7784bf506fa95edc395f5cf6c7514fe9d";
    const crypto = {
      cipher: "aes-128-ctr",
      cipherparams: { iv: "6087dab2f9fdbbfaddc31a909735c1e6" },
      ciphertext: "5318b4d5bcd28de64ee5559e671353e16f075ecae9f99c7a79a38af5f869aa46",
      kdf: "pbkdf2",
      kdfparams: {
        c: 262_144,
        dklen: 32,
        prf: "hmac-sha256",
        salt: "ae3cd4e7013836a3df6bd7241b12db061dbe2c6785853cce422d148a624ce0bd",
      },
      mac: "517ead924a9d0dc3124507e3393d175ce3ff7c1e96529c6c555ce9e51205e9b2",
    };
    const address = "008aeeda4d805471df9b2a5b0f38a0c3bcba786b";
    const text = JSON.stringify({ crypto, address, id: "3198bc9c-6672-5ab3-d995-4942343ae5b6", version: 3 });
    const keystore = parseAccount(text);
    expect(keystore.address).toBe(`0x${address}`);
    expect(await keystore.open(toPassword("testpassword"))).toBe(key);
    expect(await keystore.open(toPassword("testpassword2"))).toBeNull();
  });

  it("is read with its fields capitalised as some programs write them", async () => {
    const password = toPassword("p");
    const key = `0x${"11".repeat(32)}` as const;
    const { crypto: Crypto, ...rest } = JSON.parse(await sealAccount(key, password, SCRYPT_N)) as Record<
      string,
      unknown
    >;
    expect(await parseAccount(JSON.stringify({ ...rest, Crypto })).open(password)).toBe(key);
  });
});
