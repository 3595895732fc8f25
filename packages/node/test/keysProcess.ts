/** A process that makes a node's directory, or opens its keys as a start does. Arguments: init|start, data directory, network file, password. */
import { initNode } from "../src/initNode.ts";
import { loadKeys } from "../src/keys.ts";
import { toPassword } from "../src/password.ts";
import { SCRYPT_N } from "./settings.ts";

const [command, dataDir, networkFile, text] = process.argv.slice(2) as [string, string, string, string];
const password = async () => toPassword(text);
if (command === "init")
  await initNode({ dataDir, networkFile, l1Url: "http://127.0.0.1:1", roles: ["gateway"], bootstrap: [], password });
else await loadKeys({ dataDir, password, scryptN: SCRYPT_N });
