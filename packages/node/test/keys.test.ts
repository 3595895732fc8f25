import { execFile } from "node:child_process";
import { createDecipheriv, createHash, scryptSync } from "node:crypto";
import { mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { peerIdOf } from "@mvm/network";
import { blsKeyFromSecret, fromHex, keccakHash, signerOf, toHex, verifyBls } from "@mvm/protocol";
import { Wallet } from "ethers";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { accountOf, KEYS_DIRECTORY, type Keys, loadAccountKey, loadKeys, prepareKeys } from "../src/keys.ts";
import { type Password, toPassword } from "../src/password.ts";
import { SCRYPT_N } from "./settings.ts";
import { hashOfText } from "./world.ts";

const FILES = ["l1.json", "bls.json", "peer.json"] as const;
const CAST = join(import.meta.dirname, "../../../node_modules/.bin/cast");
const PASSWORD = "correct horse";

type Json = Record<string, unknown>;

let root: string;
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), "mvm-keys-"));
});
afterEach(() => rm(root, { recursive: true }));

const unlocking = (text: string = PASSWORD, dataDir: string = root) => ({
  dataDir,
  scryptN: SCRYPT_N,
  password: async () => toPassword(text),
});
const pathOf = (file: string): string => join(root, KEYS_DIRECTORY, file);
const textOf = (file: string): Promise<string> => readFile(pathOf(file), "utf8");
const jsonOf = async (file: string): Promise<Json> => JSON.parse(await textOf(file)) as Json;

/** Writes a keystore with the value at a path, `crypto.cipher.message` or so, changed. */
async function change(file: string, path: string, to: (value: never) => unknown): Promise<void> {
  const json = await jsonOf(file);
  const names = path.split(".");
  const last = names.pop()!;
  const parent = names.reduce((object, name) => object[name] as Json, json);
  parent[last] = to(parent[last] as never);
  await writeFile(pathOf(file), JSON.stringify(json));
}
const otherDigit = (text: string): string => `${text.slice(0, -1)}${text.endsWith("0") ? "1" : "0"}`;

const failure = (attempt: Promise<unknown>): Promise<Error & { readonly code?: string }> =>
  attempt.then(
    () => new Error("nothing failed"),
    (error: Error) => error,
  );

describe("keys", () => {
  it("lie in three files of a directory, all for their owner alone", async () => {
    await prepareKeys(unlocking());
    expect(await readdir(root)).toEqual([KEYS_DIRECTORY]);
    expect((await stat(join(root, KEYS_DIRECTORY))).mode & 0o777).toBe(0o700);
    expect((await readdir(join(root, KEYS_DIRECTORY))).sort()).toEqual([...FILES].sort());
    for (const file of FILES) expect((await stat(pathOf(file))).mode & 0o777).toBe(0o600);
  });

  it("are the same after loading, and are never overwritten", async () => {
    const made = await prepareKeys(unlocking());
    const before = await Promise.all(FILES.map(textOf));
    for (const again of [await prepareKeys(unlocking()), await loadKeys(unlocking())]) {
      expect(again.l1).toBe(made.l1);
      expect(again.identity.bls.publicKey).toBe(made.identity.bls.publicKey);
      expect(toHex(again.peer)).toBe(toHex(made.peer));
    }
    expect(await loadAccountKey(unlocking())).toBe(made.l1);
    expect(await Promise.all(FILES.map(textOf))).toEqual(before);
  });

  it("differ from directory to directory", async () => {
    const first = await prepareKeys(unlocking());
    const second = await prepareKeys(unlocking(PASSWORD, await mkdtemp(join(root, "other-"))));
    expect(second.identity.operator).not.toBe(first.identity.operator);
    expect(second.identity.bls.publicKey).not.toBe(first.identity.bls.publicKey);
    expect(peerIdOf(second.peer)).not.toBe(peerIdOf(first.peer));
  });

  it("sign after loading: recoverable to the operator, and verifiable under the BLS key", async () => {
    await prepareKeys(unlocking());
    const { identity } = await loadKeys(unlocking());
    const digest = hashOfText("digest");
    expect(signerOf(digest, identity.signDigest(digest))).toBe(identity.operator);
    expect(verifyBls(digest, identity.bls.publicKey, identity.bls.sign(digest))).toBe(true);
    expect(verifyBls(hashOfText("other"), identity.bls.publicKey, identity.bls.sign(digest))).toBe(false);
  });

  it("that are missing tell to run init, without asking for a password", async () => {
    const password = (): Promise<Password> => Promise.reject(new Error("asked"));
    for (const load of [loadKeys, loadAccountKey, ({ dataDir }: { dataDir: string }) => accountOf(dataDir)]) {
      const error = await failure(load({ ...unlocking(), password }));
      expect(error).toMatchObject({ name: "ConfigError", code: "missing" });
      expect(error.message).toContain(`mvm init --data ${root}`);
    }
  });

  it("ask for a new password once, and later for the one that there is", async () => {
    const asked: boolean[] = [];
    const password = async (isNew: boolean): Promise<Password> => {
      asked.push(isNew);
      return toPassword(PASSWORD);
    };
    await prepareKeys({ ...unlocking(), password });
    await prepareKeys({ ...unlocking(), password });
    await loadKeys({ ...unlocking(), password });
    await loadAccountKey({ ...unlocking(), password });
    expect(asked).toEqual([true, false, false, false]);
  });

  it("tell the account without a password", async () => {
    const { identity } = await prepareKeys(unlocking());
    expect(await accountOf(root)).toBe(identity.operator);
  });

  it("are sealed by the scrypt that is asked for", async () => {
    await prepareKeys({ ...unlocking(), scryptN: 4_096 });
    expect(await jsonOf("l1.json")).toMatchObject({ crypto: { kdf: "scrypt", kdfparams: { n: 4_096, r: 8, p: 1 } } });
    for (const file of ["bls.json", "peer.json"])
      expect(await jsonOf(file)).toMatchObject({ crypto: { kdf: { params: { n: 4_096, r: 8, p: 1 } } } });
  });
});

describe("what others read", () => {
  let made: Keys;
  beforeEach(async () => {
    made = await prepareKeys(unlocking());
  });

  /** What both standards have in common: AES in counter mode under the first half of scrypt's output. */
  const derived = (salt: string, text: string): Buffer =>
    scryptSync(text, Buffer.from(salt, "hex"), 32, { N: SCRYPT_N, r: 8, p: 1 });
  const opened = (key: Buffer, iv: string, sealed: string): Buffer => {
    const cipher = createDecipheriv("aes-128-ctr", key.subarray(0, 16), Buffer.from(iv, "hex"));
    return Buffer.concat([cipher.update(Buffer.from(sealed, "hex")), cipher.final()]);
  };

  it("is the account's key in l1.json: by ethers, by cast, and by the letter of web3 secret storage", async () => {
    const text = await textOf("l1.json");
    expect((await Wallet.fromEncryptedJson(text, PASSWORD)).privateKey).toBe(made.l1);
    const args = ["wallet", "decrypt-keystore", "l1.json", "-k", join(root, KEYS_DIRECTORY)];
    const { stdout } = await promisify(execFile)(CAST, [...args, "--unsafe-password", PASSWORD]);
    expect(stdout).toContain(made.l1);
    const { version, address, crypto } = JSON.parse(text) as Json & { crypto: Record<string, string> };
    const { kdfparams, cipherparams, ciphertext, mac } = crypto as unknown as {
      kdfparams: { salt: string };
      cipherparams: { iv: string };
      ciphertext: string;
      mac: string;
    };
    expect([version, `0x${String(address)}`]).toEqual([3, made.identity.operator]);
    const key = derived(kdfparams.salt, PASSWORD);
    expect(keccakHash(Buffer.concat([key.subarray(16), Buffer.from(ciphertext, "hex")]))).toBe(`0x${mac}`);
    expect(toHex(opened(key, cipherparams.iv, ciphertext))).toBe(made.l1);
  });

  it("is in bls.json and peer.json by the letter of EIP-2335", async () => {
    const secrets = await Promise.all(
      ["bls.json", "peer.json"].map(async (file) => {
        const { version, crypto } = (await jsonOf(file)) as Json & { crypto: Json };
        const { kdf, checksum, cipher } = crypto as Record<"kdf" | "checksum" | "cipher", Json & { message: string }>;
        const key = derived((kdf["params"] as { salt: string }).salt, PASSWORD);
        const sum = createHash("sha256").update(key.subarray(16)).update(Buffer.from(cipher.message, "hex"));
        expect([version, checksum.message]).toEqual([4, sum.digest("hex")]);
        return opened(key, (cipher["params"] as { iv: string }).iv, cipher.message);
      }),
    );
    const [bls, peer] = secrets as [Buffer, Buffer];
    expect(blsKeyFromSecret(bls).publicKey).toBe(made.identity.bls.publicKey);
    expect((await jsonOf("bls.json"))["pubkey"]).toBe(made.identity.bls.publicKey.slice(2));
    expect(toHex(peer)).toBe(toHex(made.peer));
    expect((await jsonOf("peer.json"))["description"]).toBe(
      `libp2p private key in its protobuf form, of peer ${peerIdOf(made.peer)}`,
    );
  });

  it("without the password is no secret", async () => {
    const texts = (await Promise.all(FILES.map(textOf))).join("\n").toLowerCase();
    const { bls } = made.identity;
    expect(texts).toContain(bls.publicKey.slice(2));
    for (const secret of [fromHex(made.l1), made.peer, made.peer.slice(-32), made.peer.slice(4, 36)])
      for (const form of ["hex", "base64"] as const)
        expect(texts).not.toContain(Buffer.from(secret).toString(form).toLowerCase());
  });
});

describe("a password", () => {
  /** The same text typed in other ways, by which the two standards' normal forms differ. */
  const TEXT = "𝔱𝔢𝔰𝔱🔑 Ångström ﬁ";
  const forms = [TEXT, TEXT.normalize("NFC"), TEXT.normalize("NFD"), TEXT.normalize("NFKC"), TEXT.normalize("NFKD")];

  it("opens all keystores however its characters are composed, and with control characters in it", async () => {
    const made = await prepareKeys(unlocking(TEXT));
    for (const form of [...forms, `\u0007${TEXT}\u009f\u007f`])
      expect((await loadKeys(unlocking(form))).l1).toBe(made.l1);
    expect(new Set(forms).size).toBeGreaterThan(3);
  });

  it("is, of other characters than ASCII, what ethers takes, and cast in the form NFKC", async () => {
    const made = await prepareKeys(unlocking(TEXT));
    for (const form of forms)
      expect((await Wallet.fromEncryptedJson(await textOf("l1.json"), form)).privateKey).toBe(made.l1);
    const args = ["wallet", "decrypt-keystore", "l1.json", "-k", join(root, KEYS_DIRECTORY), "--unsafe-password"];
    const { stdout } = await promisify(execFile)(CAST, [...args, TEXT.normalize("NFKC")]);
    expect(stdout).toContain(made.l1);
  });

  it("that is wrong is an error of its own, which says so and shows nothing", async () => {
    const made = await prepareKeys(unlocking());
    for (const load of [loadKeys, loadAccountKey, prepareKeys]) {
      const error = await failure(load(unlocking(`${PASSWORD}!`)));
      expect(error).toMatchObject({ name: "ConfigError", code: "wrong-password" });
      expect(error.message).toMatch(/password does not open/);
      expect(error.message).not.toContain(PASSWORD);
      expect(error.message).not.toContain(made.l1.slice(2));
    }
  });
});

describe("a damaged keystore", () => {
  beforeEach(async () => {
    await prepareKeys(unlocking());
  });

  async function expectDamaged(file: string, code = "unreadable"): Promise<void> {
    const loads = file === "l1.json" ? [loadKeys, prepareKeys, loadAccountKey] : [loadKeys, prepareKeys];
    for (const load of loads) {
      const error = await failure(load(unlocking()));
      expect(error).toMatchObject({ name: "ConfigError", code });
      expect(error.message).toContain(file);
    }
  }

  it.each<readonly [string, string, (value: never) => unknown]>([
    ["l1.json", "crypto.ciphertext", otherDigit],
    ["l1.json", "crypto.mac", otherDigit],
    ["l1.json", "crypto.cipherparams.iv", otherDigit],
    ["l1.json", "crypto.kdfparams.salt", otherDigit],
    ["l1.json", "crypto.kdfparams.n", () => 3],
    ["l1.json", "crypto.kdfparams.n", () => 2 ** 21],
    ["l1.json", "crypto.kdfparams.p", () => 10 ** 9],
    ["l1.json", "crypto.kdf", () => "argon2"],
    ["l1.json", "crypto.cipher", () => "aes-256-gcm"],
    ["l1.json", "address", otherDigit],
    ["l1.json", "address", () => undefined],
    ["l1.json", "crypto", () => null],
    ["l1.json", "version", () => 2],
    ...["bls.json", "peer.json"].flatMap((file) => [
      [file, "crypto.cipher.message", otherDigit] as const,
      [file, "crypto.checksum.message", otherDigit] as const,
      [file, "crypto.cipher.params.iv", otherDigit] as const,
      [file, "crypto.kdf.params.salt", otherDigit] as const,
      [file, "crypto.kdf.params.n", () => 3] as const,
      [file, "crypto.kdf.params.n", () => 2 ** 40] as const,
      [file, "crypto.kdf", () => null] as const,
      [file, "version", () => "4"] as const,
    ]),
    ["bls.json", "pubkey", otherDigit],
    ["bls.json", "pubkey", () => undefined],
  ])("%s with another %s is told by its name, not as a wrong password", async (file, path, to) => {
    await change(file, path, to);
    await expectDamaged(file);
  });

  it.each(FILES)("%s cut off, or empty, is told by its name", async (file) => {
    const text = await textOf(file);
    for (const part of [text.slice(0, 300), "", "null", "[]"]) {
      await writeFile(pathOf(file), part);
      await expectDamaged(file);
    }
  });

  it.each(FILES)("%s that is missing is told by its name", async (file) => {
    await rm(pathOf(file));
    await expectDamaged(file, "missing");
  });

  it("another key's file in a keystore's place is told by its name", async () => {
    const [bls, peer] = await Promise.all([textOf("bls.json"), textOf("peer.json")]);
    await writeFile(pathOf("bls.json"), peer);
    await expectDamaged("bls.json");
    await writeFile(pathOf("bls.json"), bls);
    await writeFile(pathOf("peer.json"), bls);
    await expectDamaged("peer.json");
  });

  it("sealed by another password than the others is told by its name", async () => {
    const other = await mkdtemp(join(root, "other-"));
    await prepareKeys(unlocking("another", other));
    await writeFile(pathOf("l1.json"), await readFile(join(other, KEYS_DIRECTORY, "l1.json"), "utf8"));
    await expectDamaged("l1.json");
  });

  it.each([
    ["l1.json", 4],
    ["bls.json", 5],
    ["peer.json", 5],
  ])("%s of the newer version %i is refused as that", async (file, version) => {
    await change(file, "version", () => version);
    await expectDamaged(file, "newer-version");
  });

  it("in a place that is no directory is told by its name", async () => {
    await rm(join(root, KEYS_DIRECTORY), { recursive: true });
    await writeFile(join(root, KEYS_DIRECTORY), "");
    await expect(loadKeys(unlocking())).rejects.toMatchObject({ name: "ConfigError", code: "unreadable" });
  });

  it("is not replaced by a fresh one", async () => {
    await rm(pathOf("bls.json"));
    await expect(prepareKeys(unlocking())).rejects.toMatchObject({ code: "missing" });
    expect((await readdir(join(root, KEYS_DIRECTORY))).sort()).toEqual(["l1.json", "peer.json"]);
    await mkdir(join(root, "other"));
    await prepareKeys(unlocking(PASSWORD, join(root, "other")));
  });
});
