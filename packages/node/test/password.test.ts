import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { readPasswordFile, toPassword } from "../src/password.ts";

let root: string;
let path: string;
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), "mvm-password-"));
  path = join(root, "password");
});
afterEach(() => rm(root, { recursive: true }));

describe("a password", () => {
  it("is normalised as the example of EIP-2335: 0x7465737470617373776f7264f09f9491", () => {
    const bytes = Buffer.from(toPassword("𝔱𝔢𝔰𝔱𝔭𝔞𝔰𝔰𝔴𝔬𝔯𝔡🔑"));
    expect(bytes.toString("hex")).toBe("7465737470617373776f7264f09f9491");
  });

  it("loses C0, C1 and delete, and no other character", () => {
    const codes = Array.from({ length: 0x250 }, (_, code) => code);
    const isKept = (code: number): boolean => toPassword(`a${String.fromCodePoint(code)}b`) !== "ab";
    const lost = codes.filter((code) => !isKept(code));
    const range = (from: number, to: number): number[] => codes.slice(from, to + 1);
    expect(lost).toEqual([...range(0, 0x1f), ...range(0x7f, 0x9f)]);
  });

  it("has one form for all that is composed alike", () => {
    fc.assert(
      fc.property(fc.string({ unit: "grapheme", minLength: 1 }), (text) => {
        fc.pre(text.normalize("NFKD").replace(/\p{Cc}/gu, "") !== "");
        const forms = (["NFC", "NFD", "NFKC", "NFKD"] as const).map((form) => toPassword(text.normalize(form)));
        expect(new Set([...forms, toPassword(text), toPassword(toPassword(text))]).size).toBe(1);
      }),
    );
  });

  it.each(["", "\n", "\u0000\u001f\u007f\u0085\u009f"])("of nothing, %j, is refused with what to do", (text) => {
    expect(() => toPassword(text)).toThrow(expect.objectContaining({ name: "ConfigError", code: "no-password" }));
  });
});

describe("a password file", () => {
  const read = async (content: string | Uint8Array) => {
    await writeFile(path, content);
    return readPasswordFile(path);
  };

  it.each([
    ["without an end of line", "correct horse"],
    ["with one", "correct horse\n"],
    ["with one of two characters", "correct horse\r\n"],
    ["with a byte order mark", "\ufeffcorrect horse\n"],
  ])("%s holds what is before it", async (_what, content) => {
    expect(await read(content)).toBe("correct horse");
  });

  it("keeps blanks at both ends", async () => {
    expect(await read(" a \n")).toBe(" a ");
  });

  it.each<readonly [string, string | Uint8Array, string]>([
    ["empty", "", "no-password"],
    ["of an end of line alone", "\n", "no-password"],
    ["of control characters alone", "\u0001\n", "no-password"],
    ["of several lines", "a\nb\n", "unreadable"],
    ["of two ends of line", "a\n\n", "unreadable"],
    ["that is not UTF-8", Uint8Array.of(0x61, 0xff), "unreadable"],
    ["of more than 4 KiB", "a".repeat(4_097), "unreadable"],
  ])("%s is refused", async (_what, content, code) => {
    await expect(read(content)).rejects.toMatchObject({ name: "ConfigError", code });
  });

  it("that is not there, or a directory, is told by its name", async () => {
    for (const where of [path, root]) {
      await expect(readPasswordFile(where)).rejects.toMatchObject({ name: "ConfigError", code: "missing" });
      await expect(readPasswordFile(where)).rejects.toThrow(where);
    }
  });

  it("that never ends is not read to its end", async () => {
    await expect(readPasswordFile("/dev/zero")).rejects.toMatchObject({ code: "unreadable" });
  });
});
