/** Network identity, randomness, slots and storage hosts, stated with literals. */
import { addressNamed, encoded, fillNamed, hashNamed, int, tagged, word } from "./format.ts";

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

export const presenceVectors = () =>
  [
    { slot: 5n, part: 0, instance: hashNamed("a start"), signs: false },
    { slot: 2n ** 64n - 1n, part: 3, instance: hashNamed("another start"), signs: true },
  ].map((unsigned, i) => {
    const { slot, part, instance, signs } = unsigned;
    const signature = fillNamed(`presence ${i}`, 65);
    const items = [int(slot), int(part), instance, int(signs ? 1 : 0), signature];
    const parts = [domainOf(NETWORK), word(slot), word(part), instance, word(signs ? 1 : 0)];
    return {
      ...encoded(`${i}`, { ...unsigned, signature }, items),
      topic: `/mvm/1/${domainOf(NETWORK).slice(2, 18)}/presence`,
      digest: tagged("mvm/presence/1", ...parts),
    };
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
