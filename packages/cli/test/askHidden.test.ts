import { PassThrough } from "node:stream";
import { describe, expect, it } from "vitest";
import { askHidden } from "../src/askHidden.ts";

/** A terminal in memory: what is typed on it, what it shows, whether it echoes by itself. */
function terminal() {
  const raw: boolean[] = [];
  const input = Object.assign(new PassThrough(), { isTTY: true, setRawMode: (isRaw: boolean) => raw.push(isRaw) });
  const output = new PassThrough();
  return { input, output, raw, shown: () => String(output.read() ?? "") };
}

describe("a hidden line", () => {
  it("is what was typed, and the terminal shows the question and nothing of it", async () => {
    const { input, output, raw, shown } = terminal();
    const asked = askHidden({ input, output }, "Password: ");
    input.write("correct hörse 🔑\r");
    expect(await asked).toBe("correct hörse 🔑");
    expect(shown()).toBe("Password: \n");
    // without an echo while it is asked, and as before afterwards
    expect(raw).toEqual([true, false]);
  });

  it("can be corrected", async () => {
    const { input, output } = terminal();
    const asked = askHidden({ input, output }, "");
    input.write("correcz\u007ft");
    input.write("\r");
    expect(await asked).toBe("correct");
  });

  it("may be empty", async () => {
    const { input, output } = terminal();
    const asked = askHidden({ input, output }, "");
    input.write("\r");
    expect(await asked).toBe("");
  });

  it.each([
    ["Ctrl-C", "\u0003"],
    ["Ctrl-D", "\u0004"],
  ])("is none after %s, and the terminal is as before", async (_key, code) => {
    const { input, output, raw } = terminal();
    const asked = askHidden({ input, output }, "");
    input.write("abc");
    input.write(code === "\u0004" ? "\u0015\u0004" : code);
    expect(await asked).toBeNull();
    expect(raw.at(-1)).toBe(false);
  });

  it("can be asked for twice, one after the other", async () => {
    const { input, output } = terminal();
    const first = askHidden({ input, output }, "");
    input.write("one\r");
    expect(await first).toBe("one");
    const second = askHidden({ input, output }, "");
    input.write("two\r");
    expect(await second).toBe("two");
  });
});
