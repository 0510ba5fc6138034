import { assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { DenoDisk } from "../../mod/host/mod.ts";
import { KUBESOLO_KUBECONFIG, readKubeconfig, readServiceAccount } from "../../mod/kube/mod.ts";

const DISK = new DenoDisk();
const SECRET = "secret-of-the-node";

/** As `kubectl config view --raw` prints one. */
function yaml({ cluster = "", user = `    token: ${SECRET}`, context = "admin" } = {}): string {
  return `apiVersion: v1
kind: Config
current-context: ${context}
clusters:
- name: other
  cluster: {server: "https://10.0.0.1:6443"}
- name: kubesolo
  cluster:
    server: https://127.0.0.1:6443
${cluster}
contexts:
- context:
    cluster: kubesolo
    user: admin
  name: admin
preferences: {}
users:
- name: admin
  user:
${user}
`;
}

async function withFiles(
  files: Readonly<Record<string, string>>,
  body: (path: string, directory: string) => Promise<void>,
): Promise<void> {
  const directory = await Deno.makeTempDir();
  try {
    for (const [name, text] of Object.entries(files)) {
      await Deno.writeTextFile(`${directory}/${name}`, text);
    }
    await body(`${directory}/kubeconfig`, directory);
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
}

Deno.test("the current context's cluster and user count, with what is embedded", () =>
  withFiles({
    kubeconfig: yaml({
      cluster: `    certificate-authority-data: ${btoa("authority")}`,
      user: `    client-certificate-data: ${btoa("certificate")}
    client-key-data: ${btoa("key")}`,
    }),
  }, async (path) => {
    const access = await readKubeconfig(DISK, path);
    assertEquals(access.server.href, "https://127.0.0.1:6443/");
    assertEquals([access.authority, access.client, access.token], [
      "authority",
      { certificate: "certificate", key: "key" },
      undefined,
    ]);
  }));

Deno.test("files are found beside the kubeconfig; data beats a file, and a tokenFile a token", () =>
  withFiles({
    kubeconfig: yaml({
      cluster: "    certificate-authority: ca.crt",
      user: `    client-certificate: admin.crt
    client-certificate-data: ${btoa("embedded")}
    client-key: ./admin.key
    token: old
    tokenFile: token`,
    }),
    "ca.crt": "authority",
    "admin.key": "key",
    "token": `${SECRET}\n`,
  }, async (path) => {
    const access = await readKubeconfig(DISK, path);
    assertEquals([access.authority, access.client, access.token], [
      "authority",
      { certificate: "embedded", key: "key" },
      SECRET,
    ]);
  }));

Deno.test("a kubeconfig that cannot be used is refused, and says why without a secret", async () => {
  const cases: readonly [text: string, reason: string][] = [
    [yaml({ context: '""' }), "has no current-context"],
    [yaml({ context: "gone" }), 'has no context "gone"'],
    [yaml().replace("user: admin", "user: nobody"), 'has no user "nobody"'],
    [yaml().replace("cluster: kubesolo", "cluster: lost"), 'has no cluster "lost"'],
    [yaml().replace("https://127", "http://127"), 'the server of "kubesolo" is no https URL'],
    [
      yaml({ cluster: "    insecure-skip-tls-verify: true" }),
      "has insecure-skip-tls-verify: a server that is not verified proves nothing",
    ],
    [yaml({ cluster: "    proxy-url: http://p" }), "has proxy-url"],
    [yaml({ cluster: "    tls-server-name: x" }), "has tls-server-name"],
    [
      yaml({ user: "    exec: {command: aws, args: [" + SECRET + "]}" }),
      'user "admin" has exec: this program runs no plug-ins',
    ],
    [yaml({ user: "    auth-provider: {name: oidc}" }), "has auth-provider"],
    [yaml({ user: `    username: me\n    password: ${SECRET}` }), "has username"],
    [yaml({ user: `    token: ${SECRET}\n    as: system:admin` }), "has as"],
    [yaml({ user: `    client-key-data: ${btoa(SECRET)}` }), "no client-certificate"],
    [yaml({ user: `    client-certificate-data: ${btoa("x")}` }), "no client-key"],
    [yaml({ user: `    client-key-data: "${SECRET}"` }), "client-key-data is no base64"],
    [yaml({ user: "    tokenFile: gone" }), "/gone: no such file"],
    [yaml({ cluster: "    certificate-authority: gone.crt" }), "gone.crt: no such file"],
    [`token: ${SECRET}: [`, "is no YAML"],
    [`a: ${SECRET}\n b: 1`, "is no YAML"],
    ["just text", "holds no members"],
    ["#".repeat((1 << 20) + 1), "more than 1048576 bytes"],
  ];
  for (const [kubeconfig, reason] of cases) {
    await withFiles({ kubeconfig }, async (path) => {
      const { message } = await assertRejects(() => readKubeconfig(DISK, path), Error);
      assertStringIncludes(message, reason);
      assertStringIncludes(message, path);
      assertEquals(message.includes(SECRET), false, message);
    });
  }
  const { message } = await assertRejects(() => readKubeconfig(DISK, KUBESOLO_KUBECONFIG), Error);
  assertEquals(message, `kubeconfig ${KUBESOLO_KUBECONFIG}: no such file`);
});

Deno.test("a pod's own account is read, and what it lacks is named", async () => {
  await withFiles({ "ca.crt": "authority", token: `${SECRET}\n` }, async (_, directory) => {
    for (const [host, href] of [["10.43.0.1", "10.43.0.1"], ["fd00::1", "[fd00::1]"]]) {
      const access = await readServiceAccount(DISK, { host, port: "6443" }, directory);
      assertEquals([access.server.href, access.authority, access.token], [
        `https://${href}:6443/`,
        "authority",
        SECRET,
      ]);
    }
    await assertRejects(() => readServiceAccount(DISK, {}, directory), Error, "KUBERNETES_SERVICE");
  });
  await withFiles({ "ca.crt": "authority" }, async (_, directory) => {
    await assertRejects(() => readServiceAccount(DISK, {}, directory), Error, "/token: no such");
  });
});
