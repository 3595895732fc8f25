/** Network identity, randomness and the rotation, stated with literals. */
import { addressNamed, hashNamed, tagged, word } from "./format.ts";

export const NETWORKS = [
  { l1ChainId: 31_337n, comco: addressNamed("comco") },
  { l1ChainId: 1n, comco: addressNamed("comco") },
  { l1ChainId: 31_337n, comco: addressNamed("another comco") },
];
export const NETWORK = NETWORKS[0]!;

export const domainOf = (network: (typeof NETWORKS)[number]): string =>
  tagged("mvm/network/1", word(network.l1ChainId), network.comco);

export const networkVectors = () =>
  NETWORKS.map((value) => {
    const domain = domainOf(value);
    return { value, domain, blocksTopicOfChain77: `/mvm/1/${domain.slice(2, 18)}/blocks/77` };
  });

export const prevRandaoVectors = () =>
  ["job 1", "job 2"].map((name) => {
    const jobId = hashNamed(name);
    return { jobId, prevRandao: tagged("mvm/prevrandao/1", jobId) };
  });

const modulo = (hash: string, add: bigint, count: number): number => Number((BigInt(hash) + add) % BigInt(count));

function turnsFrom(first: number, count: number, wanted: number): number[] {
  const turns: number[] = [];
  for (let turn = first; turns.length < Math.min(count, wanted); turn = turn + 1 === count ? 0 : turn + 1)
    turns.push(turn);
  return turns;
}

export function rotationVectors() {
  const slots = [
    { l1Block: 0n, epochBlocks: 8, slot: 0n },
    { l1Block: 7n, epochBlocks: 8, slot: 0n },
    { l1Block: 8n, epochBlocks: 8, slot: 1n },
    { l1Block: 24_000_031n, epochBlocks: 32, slot: 750_000n },
  ];
  const providers = [
    [0, 4],
    [1, 4],
    [3, 4],
    [7, 4],
    [1_000, 2],
  ].map(([activeCount, wanted]) => {
    const jobId = hashNamed(`job among ${activeCount}`);
    const turns = activeCount === 0 ? [] : turnsFrom(modulo(jobId, 0n, activeCount!), activeCount!, wanted!);
    return { jobId, activeCount: activeCount!, wanted: wanted!, turns };
  });
  const operators = Array.from({ length: 7 }, (_, i) => addressNamed(`host ${i}`));
  const storage = ["genesis a", "genesis b"].map((name) => {
    const genesisHash = hashNamed(name);
    const byScore = new Map(
      operators.map((operator) => [BigInt(tagged("mvm/storage-draw/1", genesisHash, operator)), operator]),
    );
    const scores = [...byScore.keys()].sort((a, b) => (a > b ? -1 : 1));
    return { genesisHash, operators, replicas: 3, hosts: scores.slice(0, 3).map((score) => byScore.get(score)!) };
  });
  return { slots, providers, storage };
}
