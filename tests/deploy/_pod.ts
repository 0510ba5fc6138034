/**
 * Containers of pods, run by runc on a {@linkcode TestNode} the way containerd's CRI plug-in does it:
 * the mounts, capabilities, devices and limits of the manifest, and no others. Needs root and runc.
 *
 * Other than in a cluster, a pod without `hostNetwork` is on the test's network unless told otherwise,
 * there is no service account's token, and no seccomp profile.
 *
 * @module
 */

import { compileAgent } from "../../tasks/compile.ts";
import { DebianArchive } from "../../tasks/debian_archive.ts";
import { imageRoot } from "../../tasks/oci_image/image_root.ts";
import { packTar } from "../../tasks/oci_image/tar.ts";
import { runText } from "../../tasks/run.ts";
import type { TestNode } from "../cli/_test_node.ts";
import { ended, type Ran } from "../sandbox.ts";
import type { Container, PodSpec, Volume } from "./_manifests.ts";

const ENTRYPOINT = "/usr/bin/kubesolo-update";

/** capabilities(7), in order; all of them that this machine has are what `privileged` gives. */
const CAPABILITIES =
  ("CHOWN DAC_OVERRIDE DAC_READ_SEARCH FOWNER FSETID KILL SETGID SETUID SETPCAP LINUX_IMMUTABLE " +
    "NET_BIND_SERVICE NET_BROADCAST NET_ADMIN NET_RAW IPC_LOCK IPC_OWNER SYS_MODULE SYS_RAWIO " +
    "SYS_CHROOT SYS_PTRACE SYS_PACCT SYS_ADMIN SYS_BOOT SYS_NICE SYS_RESOURCE SYS_TIME " +
    "SYS_TTY_CONFIG MKNOD LEASE AUDIT_WRITE AUDIT_CONTROL SETFCAP MAC_OVERRIDE MAC_ADMIN SYSLOG " +
    "WAKE_ALARM BLOCK_SUSPEND AUDIT_READ PERFMON BPF CHECKPOINT_RESTORE").split(" ");

/** What containerd gives a container that asks for nothing. */
const USUAL =
  ("CHOWN DAC_OVERRIDE FSETID FOWNER MKNOD NET_RAW SETGID SETUID SETFCAP SETPCAP NET_BIND_SERVICE " +
    "SYS_CHROOT KILL AUDIT_WRITE").split(" ");

/** null, zero, full, random, urandom, tty, and pseudo terminals: what every container may use. */
const USUAL_DEVICES = ["1:3", "1:5", "1:7", "1:8", "1:9", "5:0", "5:2", "136:*"];

/** Makes `root` what the agent's image has in it. */
export async function unpackImage(root: string): Promise<void> {
  const machine = { name: "x86_64", architecture: "amd64" } as const;
  const scratch = await Deno.makeTempDir({ prefix: "pod-image-" });
  try {
    const debian = await DebianArchive.open();
    const { base, agent } = await imageRoot(await compileAgent("x86_64"), machine, debian, scratch);
    await runText("tar", ["-x", "-C", root], { input: packTar([...base, ...agent], 0) });
  } finally {
    await Deno.remove(scratch, { recursive: true });
  }
}

/** What a pod is given besides its manifest. */
export interface PodOptions {
  readonly node: TestNode;
  /** The image's root. */
  readonly root: string;
  /** Files of its ConfigMap. */
  readonly files: Readonly<Record<string, string>>;
  /** A network of its own, with nothing but a loopback. */
  readonly ownNetwork?: boolean;
  /** Every device, as only `privileged` gives them; that, where absent. */
  readonly allDevices?: boolean;
}

/** One pod. Its volumes go away with the node. */
export class Pod {
  #spec: PodSpec;
  #options: PodOptions;
  #id = `kubesolo-test-${crypto.randomUUID()}`;

  /** Nothing runs until {@linkcode start}. */
  constructor(spec: PodSpec, options: PodOptions) {
    this.#spec = spec;
    this.#options = options;
  }

  /** Runs a container to its end. */
  async run(container: Container): Promise<Ran> {
    return await ended(await this.start(container));
  }

  /** Starts a container: runc waits for it, and ends with its exit code. */
  async start(container: Container): Promise<Deno.ChildProcess> {
    const { node } = this.#options;
    const bundle = `${node.disk.directory}/${this.#id}`;
    await Deno.mkdir(bundle, { recursive: true });
    const mounts = [];
    for (const { name, mountPath, readOnly } of container.volumeMounts ?? []) {
      const volume = this.#spec.volumes?.find((one) => one.name === name);
      if (!volume) throw new Error(`no volume ${name}`);
      mounts.push({
        destination: mountPath,
        type: "bind",
        source: await this.#provide(volume),
        options: ["rbind", "rprivate", readOnly ? "ro" : "rw"],
      });
    }
    // those that lie in others come after them, as CRI has it
    mounts.sort((a, b) => depth(a.destination) - depth(b.destination));
    const spec = runtimeSpec(container, { ...this.#options, mounts });
    await Deno.writeTextFile(`${bundle}/config.json`, JSON.stringify(spec));
    return node.sandbox.start(...[
      "runc",
      "--root",
      "/run/runc",
      "run",
      "--bundle",
      bundle,
      this.#id,
    ]);
  }

  /** The process of what was started, on the node. */
  async pid(): Promise<number> {
    const { sandbox } = this.#options.node;
    return JSON.parse(await sandbox.sh(`runc --root /run/runc state ${this.#id}`)).pid;
  }

  /** Resolves with where a volume is on the node, once it is there as its type wants it. */
  async #provide({ name, hostPath, emptyDir, projected }: Volume): Promise<string> {
    const { sandbox } = this.#options.node;
    if (hostPath) {
      const { path, type } = hostPath;
      if (type === "DirectoryOrCreate") await sandbox.sh(`mkdir -p ${path}`);
      await sandbox.sh(`test ${type === "Socket" ? "-S" : "-d"} ${path}`);
      // what the kernel says of the test's node is there
      return /^\/(?:proc|sys)$/.test(path) ? `/run/kubesolo-update/host${path}` : path;
    }
    const directory = `/run/${this.#id}/${name}`;
    if (emptyDir) await sandbox.sh(`mkdir -p ${directory}`);
    if (projected) {
      // as the kubelet writes them: files are links into a directory that is exchanged as a whole
      await sandbox.sh(`mkdir -p ${directory}/..1 && ln -sfn ..1 ${directory}/..data`);
      for (const [file, text] of Object.entries(this.#options.files)) {
        await this.#options.node.put(`${directory}/..1/${file}`, text);
        await sandbox.sh(`ln -sf ..data/${file} ${directory}/${file}`);
      }
    }
    return directory;
  }
}

function depth(path: string): number {
  return path.split("/").length;
}

/** The configuration of the OCI runtime specification 1.0. */
function runtimeSpec(
  { command, args = [], env = [], resources, securityContext }: Container,
  { root, mounts, ownNetwork, allDevices = securityContext.privileged === true }:
    & PodOptions
    & { readonly mounts: readonly unknown[] },
) {
  const { privileged, readOnlyRootFilesystem, runAsUser = 0, allowPrivilegeEscalation } =
    securityContext;
  const status = Deno.readTextFileSync("/proc/self/status");
  const own = BigInt(`0x${/^CapBnd:\t(\w+)$/m.exec(status)?.[1]}`);
  const { add = [], drop = [] } = securityContext.capabilities ?? {};
  const asked = USUAL.filter((name) => !drop.includes(name) && !drop.includes("ALL")).concat(add);
  const capabilities = (privileged ? CAPABILITIES : asked).map((name) => `CAP_${name}`)
    .filter((_, index) => !privileged || (own >> BigInt(index)) & 1n);
  const values = env.map(({ name, valueFrom }) => {
    if (valueFrom.fieldRef.fieldPath !== "spec.nodeName") throw new Error(`what is ${name}?`);
    return [name, "the-node"] as const;
  });
  const expand = (text: string) =>
    text.replace(/\$\((\w+)\)/g, (_, name: string) => new Map(values).get(name) ?? "?");
  const usual = USUAL_DEVICES.map((numbers) => {
    const [major, minor] = numbers.split(":").map((text) =>
      text === "*" ? undefined : Number(text)
    );
    return { allow: true, type: "c", major, minor, access: "rwm" };
  });
  return {
    ociVersion: "1.0.2",
    root: { path: root, readonly: readOnlyRootFilesystem === true },
    hostname: "pod",
    process: {
      args: [...command ?? [ENTRYPOINT], ...args.map(expand)],
      env: [
        "PATH=/usr/sbin:/usr/bin:/sbin:/bin",
        ...values.map(([name, value]) => `${name}=${value}`),
      ],
      cwd: "/",
      user: { uid: runAsUser, gid: runAsUser },
      noNewPrivileges: allowPrivilegeEscalation === false,
      capabilities: {
        bounding: capabilities,
        effective: runAsUser === 0 ? capabilities : [],
        permitted: runAsUser === 0 ? capabilities : [],
      },
    },
    mounts: [
      {
        destination: "/proc",
        type: "proc",
        source: "proc",
        options: ["nosuid", "noexec", "nodev"],
      },
      { destination: "/dev", type: "tmpfs", source: "tmpfs", options: ["nosuid", "mode=755"] },
      {
        destination: "/sys",
        type: "sysfs",
        source: "sysfs",
        options: ["nosuid", "noexec", "nodev", privileged ? "rw" : "ro"],
      },
      ...mounts,
    ],
    linux: {
      cgroupsPath: `/kubesolo-update-test-${crypto.randomUUID()}`,
      namespaces: ["pid", "ipc", "uts", "mount", ...ownNetwork ? ["network"] : []]
        .map((type) => ({ type })),
      resources: {
        devices: [{ allow: allDevices, access: "rwm" }, ...allDevices ? [] : usual],
        memory: { limit: Number(/^(\d+)Mi$/.exec(resources.limits.memory)?.[1]) << 20 },
      },
    },
  };
}
