/** Asks a person at a terminal for a line without showing it. */
import { createInterface } from "node:readline";
import { type Readable, Writable } from "node:stream";

/** The line, without its end; null where the person ended the input or the command instead (Ctrl-D, Ctrl-C). */
export async function askHidden(
  { input, output }: { readonly input: Readable; readonly output: Writable },
  question: string,
): Promise<string | null> {
  // readline edits the line and turns the terminal's own echo off; what it shows of the line goes nowhere
  const nowhere = new Writable({ write: (_chunk, _encoding, done) => done() });
  const lines = createInterface({ input, output: nowhere, terminal: true, historySize: 0 });
  output.write(question);
  try {
    return await new Promise((resolve) => {
      lines.once("line", resolve);
      lines.once("SIGINT", () => resolve(null));
      lines.once("close", () => resolve(null));
    });
  } finally {
    lines.close();
    output.write("\n");
  }
}
