import {
  type Address,
  AddressTable,
  aliasOf,
  type BatchHeader,
  type BatchPlace,
  type BlobRange,
  type BlockContext,
  batchDigest,
  batchHeaderCodec,
  blobRange,
  blockContextCodec,
  blockDigest,
  blockSigner,
  blocksTopic,
  bloomOf,
  blsKeyFromSecret,
  blsPublicKeyPoint,
  blsSignaturePoint,
  type Checkpoint,
  type ContextValues,
  checkpointLeaf,
  claimsOf,
  contextTransaction,
  decode,
  decodeAnswer,
  decodeBatch,
  decodeBlock,
  decodePresence,
  decodeRequest,
  decodeSystemTransaction,
  encode,
  encodeAnswer,
  encodeBlock,
  encodeBlocks,
  encodeHeader,
  encodePresence,
  encodeReceipt,
  encodeRequest,
  encodeSystemTransaction,
  epochOf,
  evidenceHash,
  type Founding,
  foundingTransaction,
  fromHex,
  type Hash,
  type Header,
  type Hex,
  hashBatchHeader,
  hashHeader,
  headerCodec,
  inBlob,
  inCalldata,
  isWork,
  type Job,
  type JobId,
  type JobResult,
  jobCodec,
  jobIdOf,
  jobResultCodec,
  merkleProof,
  merkleRoot,
  type NamedAnswer,
  type NamedRequest,
  type NetworkIdentity,
  networkDomain,
  openOutcomes,
  outcomeLeaf,
  type Presence,
  peerPossessionDigest,
  possessionDigest,
  postedTransactions,
  presenceDigest,
  presenceTopic,
  prevRandaoOf,
  provePeerPossession,
  provePossession,
  type QueueItem,
  queueTransaction,
  REQUESTS,
  type Receipt,
  type RequestName,
  type ResultRoots,
  resultDigest,
  resultHash,
  resultRoots,
  type SealedBlock,
  type Settlement,
  type SystemTransaction,
  seatedIn,
  servedBy,
  settledAccounts,
  settleTransaction,
  shownEvidence,
  signDigest,
  storageHosts,
  systemTransactionHash,
  toAddress,
  toChainId,
  toHex,
  type VrfPlaces,
  type VrfPurpose,
  verifyBls,
  verifyMerkleProof,
  verifyPossession,
  vrfMessage,
  vrfOutput,
  vrfProve,
  vrfVerify,
  vrfVerifyBatch,
  vrfWrongProofs,
  type Work,
  type WorkEvidence,
  workCodec,
  workEvidenceCodec,
} from "@mvm/protocol";
import { describe, expect, it } from "vitest";
import { BLS_DOMAIN, hashToG2 } from "../vectors/bls.ts";
import { vectorFiles } from "../vectors/generate.ts";
import { plainSumOf } from "../vectors/points.ts";
import { readVectors, vectorText } from "./vectorFiles.ts";

type Coded<T> = { readonly name: string; readonly value: T; readonly encoded: Hex };
const LARGE = 1 << 24;
const ENTROPY = `0x${"e1".repeat(32)}` as Hash;

describe("vectors, stated a second time without this package's code", () => {
  it("are what their generator gives", async () => {
    for (const [name, text] of Object.entries(await vectorFiles()))
      expect(vectorText(name.replace(/\.json$/, "")), name).toBe(text);
  });

  it("headers: wire form, Ethereum's encoding and hash", () => {
    for (const vector of readVectors<{ value: Header; wire: Hex; encoded: Hex; hash: Hash }[]>("headers")) {
      expect(toHex(encode(headerCodec, vector.value))).toBe(vector.wire);
      expect(decode(headerCodec, fromHex(vector.wire), LARGE)).toEqual(vector.value);
      expect(toHex(encodeHeader(vector.value))).toBe(vector.encoded);
      expect(hashHeader(vector.value)).toBe(vector.hash);
    }
  });

  it("receipts: encoding and bloom", () => {
    for (const vector of readVectors<{ value: Receipt; bloom: Hex; encoded: Hex }[]>("receipts")) {
      expect(toHex(bloomOf(vector.value.logs))).toBe(vector.bloom);
      expect(toHex(encodeReceipt(vector.value))).toBe(vector.encoded);
    }
  });

  it("system transactions: each source made from its parts, encoding and hash, bound to the chain", () => {
    type Vector<T> = T & { chainId: bigint; value: SystemTransaction; encoded: Hex; hash: Hash };
    type Vectors = {
      aliases: { l1Address: Address; alias: Address }[];
      queueItems: Vector<{ item: QueueItem }>[];
      contexts: Vector<{ number: bigint; values: ContextValues; transactionCount: number }>[];
      foundings: Vector<{ founding: Founding }>[];
      settles: Vector<{ number: bigint; settlement: Settlement }>[];
    };
    const { aliases, queueItems, contexts, foundings, settles } = readVectors<Vectors>("systemTransactions");
    for (const { l1Address, alias } of aliases) expect(aliasOf(l1Address)).toBe(alias);
    for (const { item, value } of queueItems) expect(queueTransaction(item)).toEqual(value);
    for (const { number, values, transactionCount, value } of contexts)
      expect(contextTransaction(number, values, transactionCount)).toEqual(value);
    for (const { founding, value } of foundings) expect(foundingTransaction(founding)).toEqual(value);
    for (const { number, settlement, value } of settles) {
      expect(settleTransaction(number, settlement)).toEqual(value);
      const { sequencer, seated, providers, l1Fees, seen } = settlement;
      expect(settledAccounts(value)).toEqual({ paid: [sequencer, ...providers], seated, l1Fees, seen });
    }
    for (const vector of [queueItems, contexts, foundings, settles].flat()) {
      const chainId = toChainId(vector.chainId);
      expect(toHex(encodeSystemTransaction(chainId, vector.value))).toBe(vector.encoded);
      expect(decodeSystemTransaction(fromHex(vector.encoded), chainId)).toEqual(vector.value);
      expect(systemTransactionHash(chainId, vector.value)).toBe(vector.hash);
    }
  });

  it("checkpoints: leaf", () => {
    for (const { value, leaf } of readVectors<{ value: Checkpoint; leaf: Hash }[]>("checkpoints"))
      expect(checkpointLeaf(value)).toBe(leaf);
  });

  it("Merkle trees: root and proofs", () => {
    type Tree = { leaves: Hash[]; root: Hash; proofs: { index: number; siblings: Hash[] }[] };
    for (const { leaves, root, proofs } of readVectors<Tree[]>("merkle")) {
      expect(merkleRoot(leaves)).toBe(root);
      for (const { index, siblings } of proofs) {
        expect(merkleProof(leaves, index)).toEqual(siblings);
        expect(verifyMerkleProof({ root, leaf: leaves[index]!, index, count: leaves.length, siblings })).toBe(true);
      }
    }
  });

  it("networks: domain and topic", () => {
    type Vector = { value: NetworkIdentity; domain: Hash; blocksTopicOfChain77: string };
    for (const { value, domain, blocksTopicOfChain77 } of readVectors<Vector[]>("networks")) {
      expect(networkDomain(value)).toBe(domain);
      expect(blocksTopic(value, toChainId(77n))).toBe(blocksTopicOfChain77);
    }
  });

  it("a sequencer's presence", () => {
    type Vector = { value: Presence; encoded: Hex; topic: string; digest: Hash };
    const [network] = readVectors<{ value: NetworkIdentity }[]>("networks");
    for (const { value, encoded, topic, digest } of readVectors<Vector[]>("presences")) {
      expect(toHex(encodePresence(value))).toBe(encoded);
      expect(decodePresence(fromHex(encoded))).toEqual(value);
      expect(presenceDigest(network!.value, value)).toBe(digest);
      expect(presenceTopic(network!.value)).toBe(topic);
    }
  });

  it("a block's randomness", () => {
    for (const { randomness, prevRandao } of readVectors<{ randomness: Hash; prevRandao: Hash }[]>("prevRandao"))
      expect(prevRandaoOf(randomness)).toBe(prevRandao);
  });

  it("rotation: slots, storage hosts", () => {
    type Rotation = {
      slots: { l1Block: bigint; epochBlocks: number; slot: bigint }[];
      storage: { genesisHash: Hash; operators: string[]; replicas: number; hosts: string[] }[];
    };
    const { slots, storage } = readVectors<Rotation>("rotation");
    for (const { l1Block, epochBlocks, slot } of slots) expect(epochOf(l1Block, epochBlocks)).toBe(slot);
    for (const { genesisHash, operators, replicas, hosts } of storage) {
      const all = operators.map((operator) => ({ operator: toAddress(operator) }));
      expect(storageHosts(genesisHash, all, replicas).map((host) => host.operator)).toEqual(hosts);
    }
  });

  it("BLS: public key and signature", () => {
    type Vector = { secret: Hex; publicKey: Hex; digest: Hash; signature: Hex };
    for (const { secret, publicKey, digest, signature } of readVectors<Vector[]>("bls")) {
      const key = blsKeyFromSecret(fromHex(secret));
      expect(key.publicKey).toBe(publicKey);
      expect(key.sign(digest)).toBe(signature);
      expect(verifyBls(digest, publicKey, signature)).toBe(true);
    }
  });

  it("proofs of possession: digest, proof, both points", () => {
    type Vector = { secret: Hex; publicKey: Hex; publicKeyPoint: Hex; l1ChainId: Hex; registry: Address } & {
      operator: Address;
      digest: Hash;
      possession: Hex;
      possessionPoint: Hex;
    };
    for (const { secret, l1ChainId, registry, operator, ...vector } of readVectors<Vector[]>("possession")) {
      const key = blsKeyFromSecret(fromHex(secret));
      const claim = { l1ChainId: BigInt(l1ChainId), registry, operator };
      expect(key.publicKey).toBe(vector.publicKey);
      expect(blsPublicKeyPoint(key.publicKey)).toBe(vector.publicKeyPoint);
      expect(possessionDigest({ ...claim, publicKey: key.publicKey })).toBe(vector.digest);
      expect(provePossession(key, claim)).toBe(vector.possession);
      expect(blsSignaturePoint(vector.possession)).toBe(vector.possessionPoint);
      expect(verifyPossession({ ...claim, publicKey: key.publicKey }, vector.possession)).toBe(true);
    }
  });

  it("proofs of possession of peer keys: digest, key, signature", () => {
    type Vector = { secret: Hex; publicKey: Hex; publicKeyPoint: Hex; l1ChainId: Hex; registry: Address } & {
      operator: Address;
      digest: Hash;
      signature: Hex;
    };
    const vectors = readVectors<Vector[]>("peerPossession");
    for (const { secret, l1ChainId, registry, operator, publicKey, publicKeyPoint, ...vector } of vectors) {
      const claim = { l1ChainId: BigInt(l1ChainId), registry, operator };
      expect(peerPossessionDigest({ ...claim, publicKey })).toBe(vector.digest);
      const proof = { publicKey: publicKeyPoint, signature: vector.signature };
      expect(provePeerPossession(fromHex(secret), claim)).toEqual(proof);
    }
    expect(vectors[0]!.publicKey).toBe("0x037777e994e452c21604f91de093ce415f5432f701dd8cd1a7a6fea0e630bfca99");
  });

  it("VRF: messages, proofs, points, outputs", () => {
    type Proof = { secret: Hex; publicKey: Hex; proof: Hex; proofPoint: Hex; output: Hash };
    type Draw<P extends VrfPurpose> = { purpose: P; domain: Hash; place: VrfPlaces[P]; message: Hash };
    type Vectors = { messages: Draw<VrfPurpose>[]; message: Hash; proofs: Proof[] };
    const { messages, message, proofs } = readVectors<Vectors>("vrf");
    for (const draw of messages) expect(vrfMessage(draw.purpose, draw.domain, draw.place)).toBe(draw.message);
    for (const { secret, publicKey, proof, proofPoint, output } of proofs) {
      expect(vrfProve(blsKeyFromSecret(fromHex(secret)), message)).toBe(proof);
      expect(vrfVerify(publicKey, message, proof)).toBe(true);
      expect(blsSignaturePoint(proof)).toBe(proofPoint);
      expect(vrfOutput(proof)).toBe(output);
    }
    expect(vrfVerifyBatch(message, proofs, ENTROPY)).toBe(true);
  });

  it("VRF: wrong proofs whose plain sum is the right ones' are not taken together, and are told apart", () => {
    type Proven = { publicKey: Hex; proof: Hex };
    type WrongSet = { name: string; wrong: number[]; proofs: Hex[] };
    type Vectors = { message: Hash; proofs: Proven[]; plainSum: Proven; wrongSets: WrongSet[] };
    const { message, proofs, plainSum, wrongSets } = readVectors<Vectors>("vrf");
    expect(vrfVerify(plainSum.publicKey, message, plainSum.proof)).toBe(true);
    for (const set of wrongSets) {
      const proven = proofs.map(({ publicKey }, i) => ({ publicKey, proof: set.proofs[i]! }));
      expect(plainSumOf(set.proofs), set.name).toBe(plainSum.proof);
      expect(vrfVerifyBatch(message, proven, ENTROPY), set.name).toBe(false);
      expect(vrfWrongProofs(message, proven, ENTROPY), set.name).toEqual(set.wrong);
    }
    expect(wrongSets).toHaveLength(3);
  });

  it("hash to curve: RFC 9380's points are the oracle's, and the oracle's in our domain are what the key 1 signs", () => {
    type Vector = { message: Hex; domain: Hex; point: Hex };
    const vectors = readVectors<Vector[]>("hashToG2");
    const one = blsKeyFromSecret(fromHex(`0x${"00".repeat(31)}01`));
    const ours = toHex(new TextEncoder().encode(BLS_DOMAIN));
    for (const { message, domain, point } of vectors) {
      expect(hashToG2(message, new TextDecoder().decode(fromHex(domain)))).toBe(point);
      if (domain === ours) expect(blsSignaturePoint(one.sign(message as Hash))).toBe(point);
    }
    expect(vectors.map(({ domain }) => domain === ours)).toEqual([false, false, false, false, false, true, true]);
  });

  it("jobs: encoding of job and result, outcomes and result as L1 is shown them, digest and signature", () => {
    type Vector = {
      network: NetworkIdentity;
      job: Coded<Job>;
      result: Coded<JobResult>;
      opened: readonly {
        gasBefore: bigint;
        end: bigint;
        gasUsed: bigint;
        logsHash: Hash;
        writes: Hex;
        reads: Hex;
        leaf: Hash;
      }[];
      roots: ResultRoots;
      resultHash: Hash;
      digest: Hash;
      provider: { secret: Hex; publicKey: Hex };
    };
    for (const { network, job, result, provider, ...hashes } of readVectors<Vector[]>("jobs")) {
      expect(toHex(encode(jobCodec, job.value))).toBe(job.encoded);
      expect(decode(jobCodec, fromHex(job.encoded), LARGE)).toEqual(job.value);
      expect(toHex(encode(jobResultCodec, result.value))).toBe(result.encoded);
      expect(decode(jobResultCodec, fromHex(result.encoded), LARGE)).toEqual(result.value);
      const opened = openOutcomes(result.value.outcomes);
      expect(
        opened.map((own) => ({
          ...own,
          end: Number(own.end),
          writes: toHex(own.writes),
          reads: toHex(own.reads),
          leaf: outcomeLeaf(own),
        })),
      ).toEqual(hashes.opened);
      expect(resultRoots(job.value, result.value.outcomes)).toEqual(hashes.roots);
      expect(resultHash(job.value, result.value.outcomes)).toBe(hashes.resultHash);
      expect(resultDigest(network, job.value.jobId, hashes.resultHash)).toBe(hashes.digest);
      expect(blsKeyFromSecret(fromHex(provider.secret)).sign(hashes.digest)).toBe(result.value.signature);
      expect(verifyBls(hashes.digest, provider.publicKey, result.value.signature)).toBe(true);
    }
  });

  it("work: ids of jobs, who served and has a seat of its own, evidence and its hash", () => {
    type Vectors = {
      jobs: { randomness: Hash; attempt: number; jobId: JobId }[];
      works: (Coded<Work> & { served: number[]; seated: number })[];
      others: Coded<Work>[];
      evidence: (Coded<WorkEvidence> & {
        hash: Hash;
        shown: Record<keyof WorkEvidence, string>;
      })[];
    };
    const { jobs, works, others, evidence } = readVectors<Vectors>("work");
    for (const { randomness, attempt, jobId } of jobs) expect(jobIdOf(randomness, attempt)).toBe(jobId);
    for (const { name, value, encoded, served, seated } of works) {
      expect(toHex(encode(workCodec, value)), name).toBe(encoded);
      expect(decode(workCodec, fromHex(encoded), LARGE)).toEqual(value);
      expect(isWork(value), name).toBe(true);
      expect(servedBy(value), name).toEqual(served);
      expect(seatedIn(value), name).toBe(seated);
    }
    for (const { name, value, encoded } of others) {
      expect(decode(workCodec, fromHex(encoded), LARGE)).toEqual(value);
      expect(isWork(value), name).toBe(false);
    }
    for (const { name, value, encoded, hash, shown } of evidence) {
      expect(toHex(encode(workEvidenceCodec, value)), name).toBe(encoded);
      expect(decode(workEvidenceCodec, fromHex(encoded), LARGE)).toEqual(value);
      expect(evidenceHash(value), name).toBe(hash);
      const { signatures, ...rest } = shownEvidence(value);
      expect({ ...rest, signatures: `0x${signatures.map((point) => point.slice(2)).join("")}` }).toEqual(shown);
    }
  });

  type Blocks = {
    network: NetworkIdentity;
    sequencerKey: Hex;
    sequencer: string;
    blocks: (Coded<SealedBlock> & { hash: Hash; digest: Hash; context: Coded<BlockContext> })[];
  };

  it("sealed blocks: encoding, hash, digest, signature, signer", () => {
    const { network, sequencerKey, sequencer, blocks } = readVectors<Blocks>("blocks");
    for (const { value, encoded, hash, digest, context } of blocks) {
      expect(toHex(encode(blockContextCodec, context.value))).toBe(context.encoded);
      expect(value.context).toEqual(context.value);
      if (value.evidence !== null) expect(evidenceHash(value.evidence)).toBe(context.value.evidence);
      expect(toHex(encodeBlock(value))).toBe(encoded);
      expect(decodeBlock(fromHex(encoded))).toEqual(value);
      expect(hashHeader(value.header)).toBe(hash);
      expect(blockDigest(network, value)).toBe(digest);
      expect(signDigest(fromHex(sequencerKey), digest)).toBe(value.signature);
      expect(blockSigner(network, value)).toBe(sequencer);
    }
  });

  it("batches: data, header, its hash and digest, made of their blocks; the data give back what is posted", () => {
    type Vector = {
      positions: number[];
      place: BatchPlace;
      queueEnd: bigint;
      table: Address[];
      data: Hex;
      range: BlobRange | null;
      header: Coded<BatchHeader>;
      hash: Hash;
      randomness: Hash;
      digest: Hash;
    };
    const { network, blocks } = readVectors<Blocks>("blocks");
    for (const { positions, place, header, ...vector } of readVectors<Vector[]>("batches")) {
      const covered = positions.map((position) => blocks[position]!.value);
      const tableBefore = (): AddressTable =>
        new AddressTable(
          vector.table.length,
          vector.table.map((one, i) => [one, i]),
        );
      const data = encodeBlocks(covered, {
        poster: place.poster,
        queueEnd: vector.queueEnd,
        table: tableBefore(),
      });
      expect(toHex(data)).toBe(vector.data);
      const table = tableBefore();
      const decoded = decodeBatch(
        data,
        (_, index) => table.at(index),
        (_, named) => table.enter(named),
      );
      if (!decoded.ok) throw new Error(decoded.fault);
      expect(decoded.value.blocks.map(({ transactions }) => transactions)).toEqual(covered.map(postedTransactions));
      for (const [i, { randomness, evidence, work }] of decoded.value.blocks.entries())
        expect(covered[i]!.context).toMatchObject({ randomness, evidence, work });
      expect(toHex(encode(batchHeaderCodec, header.value))).toBe(header.encoded);
      expect(decode(batchHeaderCodec, fromHex(header.encoded), LARGE)).toEqual(header.value);
      const { range } = vector;
      const dataPlace = range === null ? inCalldata(data) : inBlob(header.value.blobHash, range);
      expect({ ...claimsOf(covered, place), ...dataPlace }).toEqual(header.value);
      expect(blobRange(header.value)).toEqual(range);
      expect(hashBatchHeader(header.value)).toBe(vector.hash);
      expect(batchDigest(network, vector.randomness, header.value)).toBe(vector.digest);
    }
  });

  it("requests: every request and every variant of its answer", () => {
    type Sides = { request: Coded<NamedRequest["body"]>[]; answer: Coded<NamedAnswer["body"]>[] };
    const vectors = readVectors<{ [N in RequestName]: Sides }>("requests");
    expect(Object.keys(vectors).sort()).toEqual(Object.keys(REQUESTS).sort());
    for (const [name, { request, answer }] of Object.entries(vectors) as [RequestName, Sides][]) {
      for (const { value, encoded } of request) {
        expect(toHex(encodeRequest({ name, body: value } as NamedRequest)), name).toBe(encoded);
        expect(decodeRequest(name, fromHex(encoded))).toEqual({ name, body: value });
      }
      // a job's holder may also be busy
      expect(answer.length).toBe(name === "job" ? 3 : 2);
      for (const { value, encoded } of answer) {
        expect(toHex(encodeAnswer({ name, body: value } as NamedAnswer)), name).toBe(encoded);
        expect(decodeAnswer(name, fromHex(encoded))).toEqual({ name, body: value });
      }
    }
  });
});
