/** How commands print: results on standard output, progress and errors on standard error. */

/** A number as JSON has it, as long as it has it whole. */
const plain = (_key: string, value: unknown): unknown => {
  if (typeof value !== "bigint") return value;
  return Number.isSafeInteger(Number(value)) ? Number(value) : String(value);
};

/** A result: one line of JSON, or a line for each entry. */
export function print(json: boolean | undefined, value: Readonly<Record<string, unknown>>): void {
  const text = json
    ? JSON.stringify(value, plain)
    : Object.entries(value)
        .map(([key, entry]) => `${key}: ${typeof entry === "object" ? JSON.stringify(entry) : String(entry)}`)
        .join("\n");
  process.stdout.write(`${text}\n`);
}

/** A line about what is under way. */
export function progress(text: string): void {
  process.stderr.write(`mvm: ${text}\n`);
}

/** A list on the command line, separated by commas. */
export const list = (text: string): string[] => text.split(",").filter(Boolean);

/** Aborted at SIGINT and SIGTERM. */
export function stopSignal(): AbortController {
  const stop = new AbortController();
  for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => stop.abort());
  return stop;
}
