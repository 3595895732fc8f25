/** The gateway role of a node: JSON-RPC for every DAC that it follows. */
import type { Network } from "@mvm/network";
import type { ChainId } from "@mvm/protocol";
import { RpcChain, startRpcServer } from "@mvm/rpc";
import type { NodeConfig } from "./config.ts";
import { GatewayBackend } from "./gatewayBackend.ts";
import type { NodeCore } from "./nodeCore.ts";
import type { Log } from "./ports.ts";

const CLIENT_VERSION = "mvm/0.1.0";

export type Gateway = { readonly url: string; readonly closed: Promise<void> };

export async function startGateway(options: {
  core: NodeCore;
  network: Network;
  config: NodeConfig["gateway"];
  log: Log;
  signal: AbortSignal;
}): Promise<Gateway> {
  const { core, network, config, log, signal } = options;
  const chains = new Map<ChainId, RpcChain>();
  const find = (label: string): RpcChain | null => {
    const dac = core.view.dacs().find((candidate) => candidate.label === label);
    const chain = dac && core.chains.get(dac.chainId);
    const pooling = dac && core.pools.get(dac.chainId);
    if (chain === undefined || pooling === undefined) return null;
    const known = chains.get(chain.chainId);
    if (known !== undefined) return known;
    const backend = new GatewayBackend({
      chain,
      pooling,
      hosts: core.hosts,
      peerCount: () => network.peers().length,
      signal,
    });
    const onFault = (method: string, error: unknown): void =>
      log("error", "rpc-fault", { method, error: error instanceof Error ? error.stack : error });
    const made = new RpcChain({ backend, simulator: core.engine, clientVersion: CLIENT_VERSION, onFault });
    chains.set(chain.chainId, made);
    return made;
  };
  const health = () => ({
    peers: network.peers().length,
    l1Block: Number(core.view.block.number),
    dacs: core.view.dacs().map(({ label, chainId }) => {
      const chain = core.chains.get(chainId);
      return {
        label,
        chainId: Number(chainId),
        head: Number(chain?.head.header.number ?? 0n),
        safe: Number(chain?.safeNumber ?? 0n),
      };
    }),
  });
  const server = await startRpcServer({
    host: config.host,
    port: config.port,
    domain: config.domain,
    find,
    health,
    signal,
    onFault: (error) => log("error", "rpc-server-fault", { error: error instanceof Error ? error.stack : error }),
  });
  return { url: `http://${config.host}:${server.port}`, closed: server.closed };
}
