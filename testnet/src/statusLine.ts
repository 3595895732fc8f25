/** A line that lives: heads, batches, who produced what. */
import type { Testnet } from "./testnet.ts";

const REFRESH_MS = 1_000;
/** Refreshes between two lines where the output is no terminal. */
const PLAIN_EVERY = 10;

type Health = { readonly l1Block: number; readonly dacs: readonly { label: string; head: number; safe: number }[] };

/** Shows the line until the returned function is called. */
export function showStatus(testnet: Testnet): () => void {
  const { stdout } = process;
  let round = 0;
  let busy = false;
  const byProvider = new Map<string, number>();
  const seen = new Map<string, number>();

  const countSeats = async (label: string, head: number): Promise<void> => {
    const dac = testnet.dacs.find((candidate) => candidate.label === label);
    if (dac === undefined) return;
    for (let number = (seen.get(label) ?? 0) + 1; number <= head; number++) {
      const body = JSON.stringify({
        jsonrpc: "2.0",
        id: 1,
        method: "mvm_getBlockContext",
        params: [`0x${number.toString(16)}`],
      });
      const answer = await fetch(dac.url, { method: "POST", body, headers: { "content-type": "application/json" } });
      const { result } = (await answer.json()) as { result?: { providers: string[] } };
      for (const index of result?.providers ?? []) byProvider.set(index, (byProvider.get(index) ?? 0) + 1);
      seen.set(label, number);
    }
  };

  const refresh = async (): Promise<void> => {
    const health = (await (await fetch(`${testnet.gatewayUrl}/health`)).json()) as Health;
    for (const { label, head } of health.dacs) await countSeats(label, head);
    const chains = health.dacs.map(({ label, head, safe }) => `${label}: block ${head}, on L1 ${safe}`).join(" | ");
    const seats = [...byProvider]
      .sort()
      .map(([index, count]) => `p${Number(index)} ${count}`)
      .join(" ");
    const line = `L1 ${health.l1Block} | ${chains} | blocks by provider: ${seats || "none yet"}`;
    if (stdout.isTTY) stdout.write(`\r\x1b[2K${line.slice(0, stdout.columns - 1)}`);
    else if (round++ % PLAIN_EVERY === 0) stdout.write(`${line}\n`);
  };

  const timer = setInterval(() => {
    if (busy) return;
    busy = true;
    refresh()
      .catch((error) => process.stderr.write(`status: ${String(error)}\n`))
      .finally(() => {
        busy = false;
      });
  }, REFRESH_MS);
  return () => {
    clearInterval(timer);
    stdout.write("\n");
  };
}
