/** A request to another node over the network itself. */
import type { Network } from "@mvm/network";
import {
  type AnswerOf,
  CodecError,
  decodeAnswer,
  encodeRequest,
  type NamedAnswer,
  type NamedRequest,
  type PeerId,
  REQUESTS,
  type RequestName,
} from "@mvm/protocol";

export type Asking = { readonly timeoutMs: number; readonly signal: AbortSignal };
export type AnswerTo<N extends RequestName> = NamedAnswer & { readonly name: N; readonly body: AnswerOf<N> };

/**
 * The answer of a peer, which pays in score for one that is malformed.
 * @throws NetworkError where there is none, CodecError where it is malformed, the signal's reason
 */
export async function askPeer<N extends RequestName>(
  network: Network,
  to: PeerId,
  request: NamedRequest & { readonly name: N },
  { timeoutMs, signal }: Asking,
): Promise<AnswerTo<N>> {
  const { protocol, maxAnswerBytes } = REQUESTS[request.name as RequestName];
  const options = { timeoutMs, signal, maxResponseBytes: maxAnswerBytes };
  const bytes = await network.request(to, protocol, encodeRequest(request), options);
  try {
    return decodeAnswer(request.name, bytes) as AnswerTo<N>;
  } catch (error) {
    if (error instanceof CodecError) network.report(to, "protocol-violation", `${request.name}: ${error.message}`);
    throw error;
  }
}
