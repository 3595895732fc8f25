/** Network identity, randomness, slots and storage hosts, stated with literals. */
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
  ["randomness 1", "randomness 2"].map((name) => {
    const randomness = hashNamed(name);
    return { randomness, prevRandao: tagged("mvm/prevrandao/1", randomness) };
  });

export function rotationVectors() {
  const slots = [
    { l1Block: 0n, epochBlocks: 8, slot: 0n },
    { l1Block: 7n, epochBlocks: 8, slot: 0n },
    { l1Block: 8n, epochBlocks: 8, slot: 1n },
    { l1Block: 24_000_031n, epochBlocks: 32, slot: 750_000n },
  ];
  const operators = Array.from({ length: 7 }, (_, i) => addressNamed(`host ${i}`));
  const storage = ["genesis a", "genesis b"].map((name) => {
    const genesisHash = hashNamed(name);
    const byScore = new Map(
      operators.map((operator) => [BigInt(tagged("mvm/storage-draw/1", genesisHash, operator)), operator]),
    );
    const scores = [...byScore.keys()].sort((a, b) => (a > b ? -1 : 1));
    return { genesisHash, operators, replicas: 3, hosts: scores.slice(0, 3).map((score) => byScore.get(score)!) };
  });
  return { slots, storage };
}
