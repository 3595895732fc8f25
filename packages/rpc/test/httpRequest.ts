/** One HTTP request with any method, path and headers: what fetch does not let a test say. */
import { Agent, type IncomingHttpHeaders, request } from "node:http";

export type HttpAnswer = { readonly status: number; readonly headers: IncomingHttpHeaders; readonly text: string };

export type HttpQuestion = {
  readonly port: number;
  readonly method?: string;
  readonly path?: string;
  readonly headers?: Record<string, string>;
  readonly body?: string | Uint8Array;
  readonly agent?: Agent;
};

export function httpRequest({ port, method = "POST", path = "/", headers = {}, body, agent }: HttpQuestion) {
  return new Promise<HttpAnswer>((resolve, reject) => {
    const options = { host: "127.0.0.1", port, method, path, headers, agent: agent ?? new Agent() };
    const sent = request(options, (response) => {
      const chunks: Buffer[] = [];
      response.on("data", (chunk: Buffer) => chunks.push(chunk));
      response.on("error", reject);
      response.on("end", () =>
        resolve({
          status: response.statusCode ?? 0,
          headers: response.headers,
          text: Buffer.concat(chunks).toString(),
        }),
      );
    });
    sent.on("error", reject);
    sent.end(body);
  });
}
