// A peer for the interop tests: any number of ts-mls clients, driven by JSON
// lines on standard input and answering with one JSON line each. Byte strings
// are hexadecimal. A call that fails answers {"error": "..."}.
//
// ts-mls 1.6.4 deviates from RFC 9420 in ways that matter here. These are worked
// around in this file, and two more of its faults in the tests:
//
//   - its P-curve signature keys are compressed points: the caller brings keys;
//   - the data of external_pub lacks the inner length that the RFC has: it is
//     taken off what ts-mls reads, and put into what it writes;
//   - external_senders is one structure rather than a list: it is not used.
import { createInterface } from "node:readline";
import {
  acceptAll,
  createApplicationMessage,
  createCommit,
  createGroup,
  createGroupInfoWithExternalPubAndRatchetTree,
  createProposal,
  decodeMlsMessage,
  defaultCapabilities,
  defaultLifetime,
  emptyPskIndex,
  encodeMlsMessage,
  generateKeyPackageWithKey,
  getCiphersuiteFromName,
  getCiphersuiteImpl,
  joinGroup,
  joinGroupExternal,
  makePskIndex,
  mlsExporter,
  processMessage,
} from "ts-mls";
import { getCiphersuiteNameFromId } from "ts-mls/crypto/ciphersuite.js";
import { signGroupInfo } from "ts-mls/groupInfo.js";
import { defaultClientConfig } from "ts-mls/clientConfig.js";
import { decodeRatchetTree } from "ts-mls/ratchetTree.js";

const hex = (bytes) => Buffer.from(bytes).toString("hex");
const bytes = (text) => new Uint8Array(Buffer.from(text ?? "", "hex"));

/** Clients by name: {cs, keys, pkg, state, pending, psks}. */
const clients = new Map();

// Without a limit on lifetimes, which ts-mls holds to a month: tests are not
// about time.
const config = {
  ...defaultClientConfig,
  lifetimeConfig: { maximumTotalLifetime: 2n ** 63n, validateLifetimeOnReceive: false },
};

/** The length of an HPKE public key of each suite, in bytes. */
const publicKeySize = { 1: 32, 2: 65, 3: 32, 5: 133, 7: 97 };

/** Takes the inner length off an external_pub; leaves a bare key as it is. */
const withoutLength = (data, size) => (data.length > size ? data.subarray(data.length - size) : data);

function withLength(data) {
  const head = data.length < 64 ? [data.length] : [0x40 | (data.length >> 8), data.length & 0xff];
  return new Uint8Array([...head, ...data]);
}

async function implementation(suite) {
  const impl = await getCiphersuiteImpl(getCiphersuiteFromName(getCiphersuiteNameFromId(suite)));
  const size = publicKeySize[suite];
  const importPublicKey = impl.hpke.importPublicKey.bind(impl.hpke);
  return { ...impl, hpke: { ...impl.hpke, importPublicKey: (key) => importPublicKey(withoutLength(key, size)) } };
}

function decode(text, format) {
  const message = decodeMlsMessage(bytes(text), 0)?.[0];
  if (message === undefined) throw new Error("message does not decode");
  if (format !== undefined && message.wireformat !== format) throw new Error(`not a ${format}`);
  return message;
}

const encode = (wireformat, field, value) => hex(encodeMlsMessage({ version: "mls10", wireformat, [field]: value }));

const pskIndex = (c) => (c.state === undefined ? emptyPskIndex : makePskIndex(c.state, c.psks));

const commands = {
  /** A new client with the signature key it is given, and its key package. */
  async client({ client, suite, identity, private: signKey, public: publicKey }) {
    const cs = await implementation(suite);
    const keys = { signKey: bytes(signKey), publicKey: bytes(publicKey) };
    const pkg = await generateKeyPackageWithKey(
      { credentialType: "basic", identity: bytes(identity) },
      defaultCapabilities(),
      defaultLifetime,
      [],
      keys,
      cs,
    );
    clients.set(client, { cs, keys, pkg, state: undefined, pending: undefined, psks: {} });
    return { keyPackage: encode("mls_key_package", "keyPackage", pkg.publicPackage) };
  },

  async create({ client, group }) {
    const c = clients.get(client);
    c.state = await createGroup(bytes(group), c.pkg.publicPackage, c.pkg.privatePackage, [], c.cs, config);
    return {};
  },

  async psk({ client, id, secret }) {
    clients.get(client).psks[Buffer.from(id, "hex").toString("base64")] = bytes(secret);
    return {};
  },

  async join({ client, welcome, tree }) {
    const c = clients.get(client);
    const ratchetTree = tree === undefined ? undefined : decodeRatchetTree(bytes(tree), 0)[0];
    c.state = await joinGroup(
      decode(welcome, "mls_welcome").welcome,
      c.pkg.publicPackage,
      c.pkg.privatePackage,
      makePskIndex(undefined, c.psks),
      c.cs,
      ratchetTree,
      undefined,
      config,
    );
    return {};
  },

  async externalJoin({ client, groupInfo, resync }) {
    const c = clients.get(client);
    const { publicMessage, newState } = await joinGroupExternal(
      decode(groupInfo, "mls_group_info").groupInfo,
      c.pkg.publicPackage,
      c.pkg.privatePackage,
      resync ?? false,
      c.cs,
      undefined,
      config,
    );
    c.state = newState;
    return { commit: encode("mls_public_message", "publicMessage", publicMessage) };
  },

  /** Commits; the new state is taken by merge. */
  async commit({ client, add, remove, psk, private: asPrivate }) {
    const c = clients.get(client);
    const extraProposals = [
      ...(remove ?? []).map((removed) => ({ proposalType: "remove", remove: { removed } })),
      ...(add ?? []).map((kp) => ({
        proposalType: "add",
        add: { keyPackage: decode(kp, "mls_key_package").keyPackage },
      })),
      ...(psk ?? []).map((id) => ({
        proposalType: "psk",
        psk: {
          preSharedKeyId: {
            psktype: "external",
            pskId: bytes(id),
            pskNonce: c.cs.rng.randomBytes(c.cs.kdf.size),
          },
        },
      })),
    ];
    const result = await createCommit(
      { state: c.state, cipherSuite: c.cs, pskIndex: pskIndex(c) },
      { wireAsPublicMessage: !asPrivate, extraProposals, ratchetTreeExtension: true },
    );
    c.pending = result.newState;
    return {
      commit: hex(encodeMlsMessage(result.commit)),
      welcome: result.welcome && encode("mls_welcome", "welcome", result.welcome),
    };
  },

  async merge({ client }) {
    const c = clients.get(client);
    [c.state, c.pending] = [c.pending, undefined];
    return {};
  },

  async proposeRemove({ client, leaf }) {
    const c = clients.get(client);
    const { newState, message } = await createProposal(
      c.state,
      true,
      { proposalType: "remove", remove: { removed: leaf } },
      c.cs,
    );
    c.state = newState;
    return { message: hex(encodeMlsMessage(message)) };
  },

  async proposeAdd({ client, keyPackage }) {
    const c = clients.get(client);
    const add = { keyPackage: decode(keyPackage, "mls_key_package").keyPackage };
    const { newState, message } = await createProposal(c.state, true, { proposalType: "add", add }, c.cs);
    c.state = newState;
    return { message: hex(encodeMlsMessage(message)) };
  },

  async seal({ client, data, authenticated }) {
    const c = clients.get(client);
    const result = await createApplicationMessage(c.state, bytes(data), c.cs, bytes(authenticated));
    c.state = result.newState;
    return { message: encode("mls_private_message", "privateMessage", result.privateMessage) };
  },

  async receive({ client, message }) {
    const c = clients.get(client);
    const result = await processMessage(decode(message), c.state, pskIndex(c), acceptAll, c.cs);
    c.state = result.newState;
    return result.kind === "applicationMessage" ? { data: hex(result.message) } : {};
  },

  async groupInfo({ client }) {
    const c = clients.get(client);
    const info = await createGroupInfoWithExternalPubAndRatchetTree(c.state, [], c.cs);
    const extensions = info.extensions.map((e) =>
      e.extensionType === "external_pub" ? { ...e, extensionData: withLength(e.extensionData) } : e,
    );
    const signed = await signGroupInfo({ ...info, extensions }, c.keys.signKey, c.cs.signature);
    return { groupInfo: encode("mls_group_info", "groupInfo", signed) };
  },

  async state({ client, label, context, length }) {
    const { state, cs } = clients.get(client);
    const exported = await mlsExporter(state.keySchedule.exporterSecret, label, bytes(context), length, cs);
    return {
      epoch: Number(state.groupContext.epoch),
      authenticator: hex(state.keySchedule.epochAuthenticator),
      treeHash: hex(state.groupContext.treeHash),
      active: state.groupActiveState.kind === "active",
      leaf: state.privatePath.leafIndex,
      exported: hex(exported),
    };
  },
};

for await (const line of createInterface({ input: process.stdin })) {
  let answer;
  try {
    const { command, ...call } = JSON.parse(line);
    answer = await commands[command](call);
  } catch (error) {
    answer = { error: String(error?.message ?? error) || "failed" };
  }
  process.stdout.write(`${JSON.stringify(answer)}\n`);
}
