/** Points of BLS12-381 as contracts take them, proofs of possession (peer keys' too) and VRF proofs, by noble and ethers. */
import { bls12_381 } from "@noble/curves/bls12-381.js";
import {
  concat,
  dataSlice,
  encodeBase58,
  getBytes,
  hexlify,
  keccak256,
  SigningKey,
  toBeHex,
  toUtf8Bytes,
} from "ethers";
import {
  BLS_DOMAIN,
  blsPublicKey,
  blsSignature,
  coordinate,
  hashToG2,
  pairs,
  publicKeyPoint,
  signaturePoint,
} from "./bls.ts";
import { addressNamed, hashNamed, tagged, word } from "./format.ts";
import { domainOf, NETWORK } from "./network.ts";

const { G1, G2 } = bls12_381;

/**
 * RFC 9380, appendix J.10.1: suite BLS12381G2_XMD:SHA-256_SSWU_RO_. Message; then P.x and P.y, each the real part and
 * the factor of I.
 */
const RFC_DOMAIN = "QUUX-V01-CS02-with-BLS12381G2_XMD:SHA-256_SSWU_RO_";
const RFC_POINTS: readonly (readonly [string, string, string, string, string])[] = [
  [
    "",
    "0141ebfbdca40eb85b87142e130ab689c673cf60f1a3e98d69335266f30d9b8d4ac44c1038e9dcdd5393faf5c41fb78a",
    "05cb8437535e20ecffaef7752baddf98034139c38452458baeefab379ba13dff5bf5dd71b72418717047f5b0f37da03d",
    "0503921d7f6a12805e72940b963c0cf3471c7b2a524950ca195d11062ee75ec076daf2d4bc358c4b190c0c98064fdd92",
    "12424ac32561493f3fe3c260708a12b7c620e7be00099a974e259ddc7d1f6395c3c811cdd19f1e8dbf3e9ecfdcbab8d6",
  ],
  [
    "abc",
    "02c2d18e033b960562aae3cab37a27ce00d80ccd5ba4b7fe0e7a210245129dbec7780ccc7954725f4168aff2787776e6",
    "139cddbccdc5e91b9623efd38c49f81a6f83f175e80b06fc374de9eb4b41dfe4ca3a230ed250fbe3a2acf73a41177fd8",
    "1787327b68159716a37440985269cf584bcb1e621d3a7202be6ea05c4cfe244aeb197642555a0645fb87bf7466b2ba48",
    "00aa65dae3c8d732d10ecd2c50f8a1baf3001578f71c694e03866e9f3d49ac1e1ce70dd94a733534f106d4cec0eddd16",
  ],
  [
    "abcdef0123456789",
    "121982811d2491fde9ba7ed31ef9ca474f0e1501297f68c298e9f4c0028add35aea8bb83d53c08cfc007c1e005723cd0",
    "190d119345b94fbd15497bcba94ecf7db2cbfd1e1fe7da034d26cbba169fb3968288b3fafb265f9ebd380512a71c3f2c",
    "05571a0f8d3c08d094576981f4a3b8eda0a8e771fcdcc8ecceaf1356a6acf17574518acb506e435b639353c2e14827c8",
    "0bb5e7572275c567462d91807de765611490205a941a5a6af3b1691bfe596c31225d3aabdf15faff860cb4ef17c7c3be",
  ],
  [
    `q128_${"q".repeat(128)}`,
    "19a84dd7248a1066f737cc34502ee5555bd3c19f2ecdb3c7d9e24dc65d4e25e50d83f0f77105e955d78f4762d33c17da",
    "0934aba516a52d8ae479939a91998299c76d39cc0c035cd18813bec433f587e2d7a4fef038260eef0cef4d02aae3eb91",
    "14f81cd421617428bc3b9fe25afbb751d934a00493524bc4e065635b0555084dd54679df1536101b2c979c0152d09192",
    "09bcccfa036b4847c9950780733633f13619994394c23ff0b32fa6b795844f4a0673e20282d07bc69641cee04f5e5662",
  ],
  [
    `a512_${"a".repeat(512)}`,
    "01a6ba2f9a11fa5598b2d8ace0fbe0a0eacb65deceb476fbbcb64fd24557c2f4b18ecfc5663e54ae16a84f5ab7f62534",
    "11fca2ff525572795a801eed17eb12785887c7b63fb77a42be46ce4a34131d71f7a73e95fee3f812aea3de78b4d01569",
    "0b6798718c8aed24bc19cb27f866f1c9effcdbf92397ad6448b5c9db90d2b9da6cbabf48adc1adf59a1a28344e79d57e",
    "03a47f8e6d1763ba0cad63d6114c0accbef65707825a511b251a660a9b3994249ae4e63fac38b23da0c398689ee2ab52",
  ],
];

export const hashToG2Vectors = () =>
  RFC_POINTS.map(([message, ...parts]) => ({
    message: hexlify(toUtf8Bytes(message)),
    domain: hexlify(toUtf8Bytes(RFC_DOMAIN)),
    point: `0x${parts.join("")}`,
  })).concat(
    ["digest", "another digest"].map((name) => ({
      message: hashNamed(name),
      domain: hexlify(toUtf8Bytes(BLS_DOMAIN)),
      point: hashToG2(hashNamed(name), BLS_DOMAIN),
    })),
  );

const SECRETS = [1n, 2n, 3n, 5n].map((seed) => word(BigInt(hashNamed(`secret ${seed}`)) >> 2n));

const keyOf = (secret: string) => {
  const publicKey = blsPublicKey(secret);
  return { secret, publicKey, publicKeyPoint: publicKeyPoint(publicKey) };
};

/** Chain ID as a word, so that contracts' tests can read it. */
export const possessionVectors = () =>
  SECRETS.map((secret, i) => {
    const key = keyOf(secret);
    const l1ChainId = word([31_337n, 1n, 2n ** 63n, 31_337n][i]!);
    const registry = addressNamed(`registry ${i % 2}`);
    const operator = addressNamed(`operator ${i}`);
    const digest = tagged("mvm/bls-possession/1", l1ChainId, registry, operator, keccak256(key.publicKey));
    const possession = blsSignature(secret, digest);
    return { ...key, l1ChainId, registry, operator, digest, possession, possessionPoint: signaturePoint(possession) };
  });

/**
 * Peer keys: the key of libp2p's own test vector (specs/peer-ids), whose public key is
 * 037777e994e452c21604f91de093ce415f5432f701dd8cd1a7a6fea0e630bfca99, and some of ours. Peer ids are libp2p's: the
 * multihash "identity" of the protobuf of the key, and its text in base58.
 */
const PEER_SECRETS = [
  "0x53dadf1d5a164d6b4acdb15e24aa4c5b1d3461bdbd42abedb0a4404d56ced8fb",
  ...[1n, 2n, 3n].map((seed) => hashNamed(`peer secret ${seed}`)),
];

/** Chain ID as a word, so that contracts' tests can read it. */
export const peerPossessionVectors = () =>
  PEER_SECRETS.map((secret, i) => {
    const publicKey = SigningKey.computePublicKey(secret, true);
    const publicKeyPoint = dataSlice(SigningKey.computePublicKey(secret, false), 1);
    const l1ChainId = word([31_337n, 1n, 2n ** 63n, 31_337n][i]!);
    const registry = addressNamed(`registry ${i % 2}`);
    const operator = addressNamed(`operator ${i}`);
    const digest = tagged("mvm/peer-possession/1", l1ChainId, registry, operator, keccak256(publicKey));
    const { r, s, yParity } = new SigningKey(secret).sign(digest);
    const signature = concat([r, s, toBeHex(yParity, 1)]);
    const peerId = concat(["0x0025", "0x08021221", publicKey]);
    const key = { secret, publicKey, publicKeyPoint, peerId, peerIdText: encodeBase58(peerId) };
    return { ...key, l1ChainId, registry, operator, digest, signature };
  });

const ORDER = bls12_381.fields.Fr.ORDER;

/** A point times a factor, by doubling and adding: the library's own product refuses points outside the subgroup. */
function times<P extends { double(): P; add(other: P): P }>(point: P, factor: bigint, zero: P): P {
  let product = zero;
  for (const bit of factor.toString(2)) {
    product = product.double();
    if (bit === "1") product = product.add(point);
  }
  return product;
}

/** A multiple of a point on G2's curve that has order 13: 13 * 13 is a factor of the curve's order. */
function ofOrder13(point: SignaturePoint): SignaturePoint {
  const { h } = G2.Point.CURVE();
  const multiple = times(point, (ORDER * h) / 169n, G2.Point.ZERO);
  const further = times(multiple, 13n, G2.Point.ZERO);
  return further.is0() ? multiple : further;
}

/** Compressed form of a point, in its subgroup or not: the coordinates of x, the mark of compression, the sign of y. */
function compressed(x: readonly bigint[], y: readonly bigint[]): string {
  const bytes = getBytes(concat(x.map(coordinate)));
  const significant = y.find((part) => part !== 0n) ?? 0n;
  bytes[0]! |= significant > (bls12_381.fields.Fp.ORDER - 1n) / 2n ? 0xa0 : 0x80;
  return hexlify(bytes);
}

type KeyPoint = InstanceType<typeof G1.Point>;
type SignaturePoint = InstanceType<typeof G2.Point>;

/** A point of G1, in its subgroup or not, compressed and as contracts take it. */
export function keyForms(point: KeyPoint) {
  const { x, y } = point.toAffine();
  return { compressed: compressed([x], [y]), point: concat([coordinate(x), coordinate(y)]) };
}

function signatureForms(point: SignaturePoint) {
  const { x, y } = point.toAffine();
  return { compressed: compressed([x.c1, x.c0], [y.c1, y.c0]), point: pairs(x, y) };
}

/**
 * A key and a signature moved out of their subgroups by points of an order prime to the subgroups': their pairings are
 * those of the points that were moved. x = 0 and x = 4 lie on the curves. Also two signatures that are moved by a point of
 * order 13 and by its negative: their sum is the right ones', and so it is with every 13th pair of coefficients.
 */
export function outsideVectors() {
  const digest = hashNamed("digest");
  const { Fp2 } = bls12_381.fields;
  const x = Fp2.fromBigTuple([4n, 0n]);
  const y = Fp2.sqrt(Fp2.fromBigTuple([68n, 4n]));
  const small1 = times(G1.Point.fromAffine({ x: 0n, y: 2n }), ORDER, G1.Point.ZERO);
  const onCurve2 = G2.Point.fromAffine({ x, y });
  const small2 = times(onCurve2, ORDER, G2.Point.ZERO);
  const smallest2 = ofOrder13(onCurve2);
  const keys = SECRETS.map(blsPublicKey);
  const signatures = SECRETS.map((secret) => G2.Point.fromHex(blsSignature(secret, digest).slice(2)));
  const right = { publicKey: keys[0]!, signature: blsSignature(SECRETS[0]!, digest) };
  const outsideKey = keyForms(G1.Point.fromHex(keys[0]!.slice(2)).add(small1));
  const outside = signatureForms(signatures[0]!.add(small2));
  const cancelling = [signatures[0]!.add(smallest2), signatures[1]!.subtract(smallest2)].map((moved, i) => {
    const forms = signatureForms(moved);
    const publicKey = keys[i]!;
    return {
      publicKey,
      publicKeyPoint: publicKeyPoint(publicKey),
      signature: forms.compressed,
      signaturePoint: forms.point,
    };
  });
  return {
    digest,
    ...right,
    publicKeyPoint: publicKeyPoint(right.publicKey),
    signaturePoint: signaturePoint(right.signature),
    outsidePublicKey: outsideKey.compressed,
    outsidePublicKeyPoint: outsideKey.point,
    outsideSignature: outside.compressed,
    outsideSignaturePoint: outside.point,
    cancelling,
  };
}

const place = { epoch: 7n, randomness: hashNamed("randomness") };
const placed = (purpose: string, parts: object, ...words: readonly string[]) => {
  const domain = domainOf(NETWORK);
  const message = tagged(`mvm/vrf-${purpose}/1`, domain, word(place.epoch), place.randomness, ...words);
  return { purpose, domain, place: { ...place, ...parts }, message };
};

function vrfMessages() {
  const blocks = [
    { chainId: 77n, generation: 1n, blockNumber: 2n ** 40n },
    { chainId: 4503599627370475n, generation: 0n, blockNumber: 1n },
  ];
  return [
    ...blocks.map((block) => placed("block", block, ...Object.values(block).map(word))),
    placed("ranger-seat", { period: 9n }, word(9n)),
  ];
}

/** The sum of signatures, without coefficients. */
export const plainSumOf = (signatures: readonly string[]): string =>
  signatures.reduce((left, right) => added(left, right));
const added = (proof: string, error: string): string =>
  hexlify(G2.Point.fromHex(proof.slice(2)).add(G2.Point.fromHex(error.slice(2))).toBytes());
const negated = (signature: string): string => hexlify(G2.Point.fromHex(signature.slice(2)).negate().toBytes());

/**
 * Proofs of which some are wrong, while their plain sum is that of the right ones: who leaves the random coefficients out
 * takes each of these sets.
 */
function wrongSets(proofs: readonly string[], digest: string) {
  const error = blsSignature(word(77n), digest);
  const [first, second, third, fourth] = proofs as [string, string, string, string];
  const sets = [
    { name: "two errors that cancel", wrong: [0, 2], proofs: [added(first, error), second, added(third, negated(error)), fourth] },
    { name: "two proofs swapped", wrong: [1, 3], proofs: [first, fourth, third, second] },
    { name: "proofs in another order", wrong: [0, 1, 2, 3], proofs: [second, third, fourth, first] },
  ];
  return sets.map((set) => ({ ...set, proofPoints: set.proofs.map(signaturePoint) }));
}

/** Draws with their messages; proofs of one message by several keys, as contracts check them together. */
export function vrfVectors() {
  const messages = vrfMessages();
  const { message } = messages[0]!;
  const digest = tagged("mvm/vrf/1", message);
  const proofs = SECRETS.map((secret) => {
    const proof = blsSignature(secret, digest);
    const proofPoint = signaturePoint(proof);
    return { ...keyOf(secret), proof, proofPoint, output: tagged("mvm/vrf-output/1", proofPoint) };
  });
  const sum = proofs
    .map(({ publicKey, proof }) => ({
      key: G1.Point.fromHex(publicKey.slice(2)),
      proof: G2.Point.fromHex(proof.slice(2)),
    }))
    .reduce((left, right) => ({ key: left.key.add(right.key), proof: left.proof.add(right.proof) }));
  const [sumKey, sumProof] = [hexlify(sum.key.toBytes()), hexlify(sum.proof.toBytes())];
  const plainSum = {
    publicKey: sumKey,
    publicKeyPoint: publicKeyPoint(sumKey),
    proof: sumProof,
    proofPoint: signaturePoint(sumProof),
  };
  const wrong = wrongSets(
    proofs.map(({ proof }) => proof),
    digest,
  );
  return { messages, message, digest, proofs, plainSum, wrongSets: wrong };
}
