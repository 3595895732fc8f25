import { spawnSync } from "node:child_process";
import { mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { createDirectory, createFile } from "../src/wholeFiles.ts";

let root: string;
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), "mvm-whole-"));
});
afterEach(() => rm(root, { recursive: true }));

const fine = async (): Promise<string> => "checked";

describe("a new file", () => {
  it("has its text and its mode, and nothing beside it", async () => {
    await createFile(join(root, "file"), "text", 0o600);
    expect(await readdir(root)).toEqual(["file"]);
    expect(await readFile(join(root, "file"), "utf8")).toBe("text");
    expect((await stat(join(root, "file"))).mode & 0o777).toBe(0o600);
  });

  it("takes nobody's place, and leaves nothing where it may not be", async () => {
    await writeFile(join(root, "file"), "another's");
    await expect(createFile(join(root, "file"), "text", 0o600)).rejects.toMatchObject({ code: "EEXIST" });
    expect(await readdir(root)).toEqual(["file"]);
    expect(await readFile(join(root, "file"), "utf8")).toBe("another's");
  });

  it("of several made at once is one of them, whole", async () => {
    const texts = Array.from({ length: 8 }, (_, i) => `${i}`.repeat(10_000));
    const path = join(root, "file");
    const made = await Promise.allSettled(texts.map((text) => createFile(path, text, 0o600)));
    expect(made.filter(({ status }) => status === "fulfilled")).toHaveLength(1);
    expect(await readFile(path, "utf8")).toBe(texts[made.findIndex(({ status }) => status === "fulfilled")]);
  });
});

describe("a new directory", () => {
  it("has its files, for their owner alone, and is checked before it has its name", async () => {
    const path = join(root, "keys");
    const seen = await createDirectory(path, { a: "1", b: "2" }, async (unfinished) => {
      expect((await readdir(unfinished)).sort()).toEqual(["a", "b"]);
      return readdir(root);
    });
    expect(seen).not.toContain("keys");
    expect(await readdir(root)).toEqual(["keys"]);
    expect((await stat(path)).mode & 0o777).toBe(0o700);
    for (const [name, text] of [
      ["a", "1"],
      ["b", "2"],
    ] as const) {
      expect(await readFile(join(path, name), "utf8")).toBe(text);
      expect((await stat(join(path, name))).mode & 0o777).toBe(0o600);
    }
  });

  it("is not there, nor anything else, where it did not stand the check", async () => {
    const failing = createDirectory(join(root, "keys"), { a: "1" }, () => Promise.reject(new Error("no")));
    await expect(failing).rejects.toThrow("no");
    expect(await readdir(root)).toEqual([]);
  });

  it("takes the place of an empty one, and of none that holds anything", async () => {
    const path = join(root, "keys");
    await mkdir(path);
    await createDirectory(path, { a: "1" }, fine);
    await expect(createDirectory(path, { a: "2", b: "2" }, fine)).rejects.toMatchObject({ code: "ENOTEMPTY" });
    expect(await readdir(root)).toEqual(["keys"]);
    expect(await readdir(path)).toEqual(["a"]);
    expect(await readFile(join(path, "a"), "utf8")).toBe("1");
  });

  it("removes what a killed attempt left of it, and nothing else, also not what another attempt is making", async () => {
    const gone = spawnSync(process.execPath, ["-e", ""]).pid;
    const others = ["keys.newer", "other.new-abc123", `keys.new-${process.pid}-abc123`].sort();
    for (const name of ["keys.new-abc123", `keys.new-${gone}-abc123`, ...others]) await mkdir(join(root, name));
    await createDirectory(join(root, "keys"), { a: "1" }, fine);
    expect((await readdir(root)).sort()).toEqual(["keys", ...others]);
  });
});
