/** L1 as it is some weeks later: a node that shows everything but blobs. */
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";

type Call = { readonly id: unknown; readonly method: string };

const BLOB_METHOD = "anvil_getBlobsByTransactionHash";
const DROPPED = { result: null } as const;

const answerOf = ({ id }: Call): object => ({ jsonrpc: "2.0", id, ...DROPPED });

/** Serves an L1 node's JSON-RPC on loopback without its blobs; gives the URL, and a function that ends it. */
export async function forgetfulL1(url: string): Promise<{ readonly url: string; readonly stop: () => Promise<void> }> {
  const server = createServer(async (request, response) => {
    try {
      const parts: Buffer[] = [];
      for await (const part of request) parts.push(part as Buffer);
      const body = Buffer.concat(parts).toString();
      const call = JSON.parse(body) as Call | readonly Call[];
      const asked = Array.isArray(call) ? (call as readonly Call[]) : [call as Call];
      const [blobs] = asked.filter(({ method }) => method === BLOB_METHOD);
      if (blobs !== undefined && asked.length > 1) throw new Error("blobs are asked for alone");
      const headers = { "content-type": "application/json" };
      const text =
        blobs === undefined
          ? await (await fetch(url, { method: "POST", headers, body })).text()
          : JSON.stringify(answerOf(blobs));
      response.writeHead(200, headers).end(text);
    } catch (error) {
      response.writeHead(502).end(String(error));
    }
  });
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(0, "127.0.0.1", resolve);
  });
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    stop: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}
