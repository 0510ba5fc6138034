import { assertEquals, assertMatch } from "@std/assert";
import fc from "fast-check";
import { networkLine } from "../../mod/cli/cloud_init/node_network.ts";
import { LABELS } from "../../mod/core/mod.ts";
import { packTable } from "../../mod/provision/mod.ts";
import { ensureInstalled, fileOf } from "../../tasks/debian.ts";
import { run, runText } from "../../tasks/run.ts";
import { ROOT } from "../../tasks/sources.ts";

const BUSYBOX = "/usr/bin/busybox";

/** Only root may change its root directory. */
const ignore = Deno.uid() !== 0;

Deno.test.beforeAll(async () => {
  await ensureInstalled(fileOf("busybox-static", BUSYBOX));
});

/** What stands for the programs that would change this machine. */
const STUBS = `
agent() { echo "agent $*"; }
ip() { echo "ip $*"; }
udhcpc() { echo "udhcpc $*"; }
hostname() { echo "hostname $*"; }
AGENT=agent
`;

/** A node's root directory, and the init's functions at work in it and nowhere else. */
class InitRoot implements AsyncDisposable {
  readonly path: string;

  private constructor(path: string) {
    this.path = path;
  }

  static async create(): Promise<InitRoot> {
    const path = await Deno.makeTempDir({ prefix: "init-" });
    for (
      const name of ["bin", "dev", "etc/kubesolo", "run", "sys/class/net", "var/lib/kubesolo"]
    ) await Deno.mkdir(`${path}/${name}`, { recursive: true });
    await Deno.copyFile(BUSYBOX, `${path}/bin/busybox`);
    await runText(BUSYBOX, ["chroot", path, "/bin/busybox", "--install", "-s", "/bin"]);
    await Deno.writeTextFile(`${path}/dev/null`, "");
    return new InitRoot(path);
  }

  /** Runs a script behind the init's functions, in the shell that the node has; its standard output. */
  async sh(script: string, input = ""): Promise<string> {
    const text = await Deno.readTextFile(`${ROOT}/deploy/init/init`);
    const functions = text.slice(0, text.indexOf("\nmount_kernel_views\n"));
    await this.write("script", `${functions}\n${STUBS}\n${script}`);
    return new TextDecoder().decode(
      await run(BUSYBOX, ["chroot", this.path, "/bin/sh", "/script"], {
        input: new TextEncoder().encode(input),
      }),
    );
  }

  async write(name: string, text: string): Promise<void> {
    const path = `${this.path}/${name}`;
    await Deno.mkdir(path.slice(0, path.lastIndexOf("/")), { recursive: true });
    await Deno.writeTextFile(path, text);
  }

  read(name: string): Promise<string> {
    return Deno.readTextFile(`${this.path}/${name}`);
  }

  /** An interface as the kernel shows it. */
  async interface(name: string, { address = "", type = "1", wireless = false }): Promise<void> {
    const path = `sys/class/net/${name}`;
    await this.write(`${path}/address`, `${address}\n`);
    await this.write(`${path}/type`, `${type}\n`);
    if (name !== "lo") await this.write(`${path}/device/uevent`, "");
    if (wireless) await this.write(`${path}/wireless/status`, "");
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Deno.remove(this.path, { recursive: true });
  }
}

Deno.test("the init reads back every network that the agent writes", { ignore }, async () => {
  await using root = await InitRoot.create();
  const address = fc.ipV4();
  const networks = fc.sample(
    fc.record({
      interface: fc.option(fc.constantFrom("eth0", "enp3s0", "52:54:00:ab:cd:01"), {
        nil: undefined,
      }),
      address: fc.oneof(fc.constant("dhcp"), address.map((ip) => `${ip}/24`)),
      gateway: fc.option(address, { nil: undefined }),
      nameservers: fc.array(fc.oneof(address, fc.ipV6()), { maxLength: 3 }),
    }),
    300,
  );
  const read = await root.sh(
    `while read -r line; do
      read_network "$line"
      echo "$INTERFACE|$ADDRESS|$GATEWAY|$NAMESERVERS"
    done`,
    networks.map((network) => `${networkLine(network)}\n`).join(""),
  );
  assertEquals(
    read.trimEnd().split("\n"),
    networks.map(({ interface: name = "", address, gateway = "", nameservers }) =>
      `${name}|${address}|${gateway}|${nameservers.join(" ")}`
    ),
  );
});

Deno.test(
  "the network is that of the kernel's line, else of the file, else DHCP's",
  { ignore },
  async () => {
    await using root = await InitRoot.create();
    await root.interface("eth0", { address: "52:54:00:00:00:01" });
    const start = (address = "") => root.sh(`ADDRESS=${address}\nstart_network`);
    assertMatch(await start(), /\nKSOLO-INIT: network .*by DHCP\n$/);
    assertMatch(await root.read("run/udhcpc.log"), /^udhcpc -i eth0 -b -t 5 -T 1 -A 10\n/);
    assertMatch(
      await root.sh(`ip() { :; }\nstart_network`),
      /network LATE: no answer to DHCP on eth0 yet/,
    );
    await root.write("etc/hostname", "node-12\n");
    await start("dhcp");
    assertMatch(await root.read("run/udhcpc.log"), / -x hostname:node-12\n/);

    await root.write(
      "etc/kubesolo/network",
      "# made\n\neth0 10.0.0.2/8,10.0.0.1,1.1.1.1,fd00::1\n",
    );
    const lines = [
      "ip link set lo up",
      "ip link set eth0 up",
      "ip addr add 10.0.0.2/8 dev eth0",
      "KSOLO-INIT: network 10.0.0.2/8",
      "ip route add default via 10.0.0.1",
    ];
    assertEquals((await start()).trimEnd().split("\n"), lines);
    assertEquals(await root.read("etc/resolv.conf"), "nameserver 1.1.1.1\nnameserver fd00::1\n");
    assertMatch(
      await start("10.0.0.3/8"),
      /ip addr add 10.0.0.3\/8 dev eth0\nKSOLO-INIT: network 1/,
    );
    assertEquals((await start("10.0.0.3/8")).includes("route"), false);

    await root.write("etc/kubesolo/network", "10.0.0.4/8 \r\n");
    assertMatch(await start(), /ip addr add 10.0.0.4\/8 dev eth0\n/);
  },
);

Deno.test(
  "the deadline of the health check is a number to the shell as well",
  { ignore },
  async () => {
    await using root = await InitRoot.create();
    const cases = [
      ["", "360"],
      ["health_deadline=600\n", "660"],
      ["health_deadline = 090\n", "150"],
      ["health_deadline=08\nhealth_deadline=010\n", "70"],
      ["health_deadline=0\n", "60"],
      ["health_deadline=\n", "360"],
    ];
    for (const [conf, seconds] of cases) {
      await root.write("etc/kubesolo/update.conf", conf);
      const said = await root.sh("echo $(($(health_deadline) + HEALTH_SLACK)); echo goes on");
      assertEquals(said, `${seconds}\ngoes on\n`, conf);
    }
  },
);

Deno.test(
  "the interface is the one that is named, else the first wired one",
  { ignore },
  async () => {
    await using root = await InitRoot.create();
    const wired = async (name = "''") => (await root.sh(`wired ${name}`)).trim();
    assertEquals(await wired(), "");
    assertMatch(await root.sh("ADDRESS='' start_network"), /network none: no wired interface/);
    await root.interface("lo", { type: "772" });
    await root.interface("ens9", { address: "52:54:00:00:00:09" });
    await root.interface("eth1", { address: "52:54:00:00:00:01" });
    await root.interface("a-wlan", { address: "52:54:00:00:00:0a", wireless: true });
    await root.interface("can0", { type: "280" });
    assertEquals(await wired(), "ens9");
    assertEquals(await wired("eth1"), "eth1");
    assertEquals(await wired("52:54:00:00:00:01"), "eth1");
    assertEquals(await wired("eth7"), "ens9");
    await root.write("etc/kubesolo/network", "eth7 10.0.0.2/8\n");
    assertMatch(await root.sh("ADDRESS=''\nstart_network"), /network: eth7 is ens9\n.*10.0.0.2/s);
  },
);

Deno.test(
  "documents are applied once, and again when one of them is another",
  { ignore },
  async () => {
    await using root = await InitRoot.create();
    const apply = () => root.sh("findfs() { return 1; }\napply_cloud_init");
    assertEquals(await apply(), "");
    await root.write("var/lib/cloud/seed/nocloud/meta-data", "instance-id: i\n");
    const applied = "agent config apply-cloud-init\nKSOLO-INIT: cloud-init applied\n";
    assertEquals(await apply(), applied);
    const found = "KSOLO-INIT: cloud-init found: applied in an earlier boot\n";
    assertEquals(await apply(), found);
    await root.write("etc/kubesolo/cloud-config.yaml", "#cloud-config\n");
    // older than what was made of the other one: a node without a clock
    await Deno.utime(`${root.path}/etc/kubesolo/cloud-config.yaml`, 0, 0);
    assertEquals([await apply(), await apply()], [applied, found]);
    await Deno.remove(`${root.path}/var/lib/cloud/seed/nocloud/meta-data`);
    const failing = "agent() { return 2; }\nfindfs() { return 1; }\napply_cloud_init";
    const failed = "KSOLO-INIT: cloud-init FAILED: its documents change nothing\n";
    assertEquals([await root.sh(failing), await root.sh(failing)], [failed, failed]);
    assertEquals([await apply(), await apply()], [applied, found]);
  },
);

Deno.test(
  "hostname and keys are what the files say, and no words of a shell",
  { ignore },
  async () => {
    await using root = await InitRoot.create();
    const start = () => root.sh("set_hostname\ninstall_keys");
    assertEquals(await start(), "");
    const local = "127.0.0.1 localhost\n::1 localhost\n";
    assertEquals(await root.read("etc/hosts"), local);
    for (const name of ["a b", "$(reboot)", "-F x", "a;b", "a\\nb"]) {
      await root.write("etc/kubesolo/hostname", `${name}\n`);
      assertMatch(await start(), /^KSOLO-INIT: hostname FAILED: /, name);
    }
    await root.write("etc/kubesolo/hostname", "# made\nnode-12\n");
    await root.write("etc/kubesolo/authorized_keys", "# made\nssh-ed25519 A a\nssh-ed25519 B b\n");
    await Deno.mkdir(`${root.path}/root`);
    const said = "hostname node-12\nKSOLO-INIT: hostname node-12\nKSOLO-INIT: keys 2\n";
    assertEquals([await start(), await start()], [said, said]);
    assertEquals(await root.read("etc/hosts"), `${local}127.0.1.1 node-12\n`);
    assertEquals(await root.read("etc/hostname"), "node-12\n");
    const modes = await runText("stat", ["-c", "%a", `${root.path}/root/.ssh`]) +
      await runText("stat", ["-c", "%a", `${root.path}/root/.ssh/authorized_keys`]);
    assertEquals(modes, "700\n600\n");
  },
);

Deno.test(
  "the data partition is that of the disk that was started, whatever others are called",
  { ignore },
  async () => {
    await using root = await InitRoot.create();
    const guids = ["0a1b2c3d-4e5f-4061-8273-8495a6b7c8d9", "11111111-4e5f-4061-8273-8495a6b7c8d9"];
    for (const [at, name] of ["sda", "vda"].entries()) {
      const guid = guids[at];
      const type = "c12a7328-f81f-11d2-ba4b-00a0c93ec93b";
      const esp = {
        number: 1 + 4 * at,
        type,
        guid,
        first: 34,
        last: 40,
        attributes: 0n,
        name: LABELS.efi,
      };
      const { first } = packTable({ guid, partitions: [esp] }, 4096);
      await Deno.writeFile(`${root.path}/dev/${name}`, new Uint8Array([...Array(512), ...first]));
      await root.write(`sys/block/${name}/${name}4/partition`, "4\n");
      const uevent = `DEVNAME=${name}4\nDEVTYPE=partition\nPARTNAME=KSOLODATA\n`;
      await root.write(`sys/class/block/${name}4/uevent`, uevent);
    }
    const data = async (disk: string) =>
      (await root.sh(`DISK=${disk}\nfindfs() { return 1; }\npartition KSOLODATA || true`)).trim();
    assertEquals([await data(guids[0]), await data(guids[1])], ["/dev/sda4", "/dev/vda4"]);
    assertEquals(await data("''"), "/dev/sda4", "where GRUB does not tell");
    assertEquals(await data("22222222-4e5f-4061-8273-8495a6b7c8d9"), "", "it is not there yet");
    await Deno.copyFile(`${root.path}/dev/sda`, `${root.path}/dev/vda`);
    assertEquals(await data(guids[0]), "", "two copies");
  },
);
