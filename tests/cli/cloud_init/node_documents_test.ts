import { assertEquals, assertMatch, assertThrows } from "@std/assert";
import { readNodeDocuments } from "../../../mod/cli/cloud_init/node_documents.ts";
import { UpdateError } from "../../../mod/core/mod.ts";

const ED25519 = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIKEaG9mPbWkDr0dZzS5R1pXHn6qvS2q8YJ9p1tZbQyXk";

/** What the three documents come to. */
function setup(documents: { user?: string; meta?: string; net?: string }) {
  const named = (file: string, text?: string) => text === undefined ? undefined : { file, text };
  return readNodeDocuments({
    userData: named("user-data", documents.user && `#cloud-config\n${documents.user}`),
    metaData: named("meta-data", documents.meta),
    networkConfig: named("network-config", documents.net),
  });
}

function refusal(documents: { user?: string; meta?: string; net?: string }): string {
  const error = assertThrows(() => setup(documents), UpdateError, "", JSON.stringify(documents));
  assertEquals(error.code, "usage");
  return error.message;
}

/** The line for the init, and the warnings. */
function network(net: string): [string | undefined, ...string[]] {
  const { network, warnings } = setup({ net });
  return [network?.value, ...warnings];
}

Deno.test("the hostname is the cloud-config's, else the meta-data's, up to the first dot", () => {
  const hostname = (user?: string, meta?: string) => setup({ user, meta }).hostname;
  assertEquals(hostname("hostname: node-12\n", "local-hostname: other\n"), {
    from: "user-data",
    value: "node-12",
  });
  assertEquals(hostname("fqdn: Node-12.site.example\n")?.value, "node-12");
  const longest = `${"x".repeat(63)}.${"a.".repeat(94)}a`;
  assertEquals(hostname(`fqdn: ${longest}\n`)?.value, "x".repeat(63));
  assertEquals(hostname("fqdn: a.example\nhostname: b\n")?.value, "b");
  assertEquals(hostname("hostname: 12\n")?.value, "12");
  assertEquals(hostname("hostname:\n", "instance-id: i-1\nlocal-hostname: meta\n"), {
    from: "meta-data",
    value: "meta",
  });
  assertEquals(hostname(undefined, '{"local-hostname": "json"}')?.value, "json");
  assertEquals(hostname("updates: {}\n", "instance-id: i-1\n"), undefined);
});

Deno.test("a hostname is letters, digits and hyphens, or the document is refused", () => {
  const bad = [
    ...["-x", "x-", "a..b", "a_b", "two words", '"a;reboot"', '"$(reboot)"', "x".repeat(64)],
    ...['"a\\nb"', "[a]", "{a: b}", "ä", '"."', `${"a.".repeat(126)}aa`],
  ];
  for (const name of bad) {
    assertMatch(refusal({ user: `a:\nhostname: ${name}\n` }), /^reading user-data:3: hostname "/);
    assertMatch(refusal({ meta: `local-hostname: ${name}\n` }), /^reading meta-data:1: local-host/);
  }
});

Deno.test("keys are those of the top and of all users, each once, and root's", () => {
  const rsa = `ssh-rsa ${
    btoa("\0\0\0\x07ssh-rsa\0\0\0\x03\x01\0\x01" + "x".repeat(256))
  } anna@laptop  two`;
  const { keys, warnings } = setup({
    user: `ssh_authorized_keys:
  - ${ED25519}
users:
  - default
  - name: root
    ssh_authorized_keys: ${ED25519}
  - name: anna
    ssh_authorized_keys:
      - "${rsa}"
  - name: bert
    sudo: ALL=(ALL) NOPASSWD:ALL
packages: [vim]
`,
  });
  assertEquals(keys?.value, [ED25519, rsa.replace("  ", " ")]);
  assertEquals(warnings, [
    "user-data:8: user anna: this node has root alone, whom the keys open",
    "user-data:11: user bert: this node has root alone",
    "user-data:13: packages: counts for nothing on this node",
  ]);
  assertEquals(setup({ user: "ssh_authorized_keys: []\n" }).keys?.value, []);
  assertEquals(setup({ user: "hostname: x\n" }).keys, undefined);
});

Deno.test("what is no plain public key is refused, with its line", () => {
  const blob = ED25519.split(" ")[1];
  const bad = [
    `command="reboot" ${ED25519}`,
    `no-pty ${ED25519}`,
    `ssh-dss ${blob}`,
    `ssh-rsa ${blob}`,
    "ssh-ed25519",
    "ssh-ed25519 AAAA",
    `ssh-ed25519 ${blob}=`,
    `ssh-ed25519 ${blob.slice(0, 24)}`,
    `"${ED25519} x\\n${ED25519}"`,
    `"${ED25519} \\u001b[2J"`,
    `${ED25519} ${"x".repeat(5000)}`,
    "[a]",
    "{a: b}",
    "~",
  ];
  for (const key of bad) {
    const text = key.startsWith('"') ? key : key.startsWith("command") ? `'${key}'` : key;
    const says = refusal({ user: `ssh_authorized_keys:\n  - ${text}\n` });
    assertMatch(says, /^reading user-data:3: ".*" is no public key; give a line such as/, key);
  }
  const many = Array.from({ length: 65 }, (_, at) => `  - ${ED25519} ${at}\n`).join("");
  assertMatch(
    refusal({ user: `ssh_authorized_keys:\n${many}` }),
    /user-data:67: more than 64 keys/,
  );
  const users = "  - name: x\n".repeat(33);
  assertMatch(refusal({ user: `users:\n${users}` }), /user-data:2: more than 32 users/);
});

Deno.test("version 2: the first ethernet's addresses, gateway and name servers", () => {
  assertEquals(
    network(`version: 2
ethernets:
  eth1:
    addresses: [192.168.1.10/24, "fd00::2/64", 10.0.0.2/8]
    gateway4: 192.168.1.1
    nameservers:
      search: [lan]
      addresses: [192.168.1.1, "fd00::1"]
    mtu: 9000
  eth2: {dhcp4: true}
`),
    [
      "eth1 192.168.1.10/24,192.168.1.1,192.168.1.1,fd00::1",
      "network-config:10: eth2: counts for nothing: the node sets up one interface",
      "network-config:4: fd00::2: counts for nothing: the node sets IPv4 addresses",
      "network-config:4: 10.0.0.2: counts for nothing: it is the second",
      "network-config:7: search: counts for nothing here",
      "network-config:9: mtu: counts for nothing here",
    ],
  );
  const routed = `network:
  version: 2
  ethernets:
    id0:
      match: {macaddress: "52:54:00:AB:cd:01"}
      dhcp6: false
      addresses:
        - 10.1.2.3/16:
            label: x
      routes:
        - to: 10.9.0.0/16
          via: 10.1.0.9
        - {to: default, via: 10.1.0.1}
`;
  assertEquals(network(routed), [
    "52:54:00:ab:cd:01 10.1.2.3/16,10.1.0.1",
    "network-config:11: the route to 10.9.0.0/16: counts for nothing here",
  ]);
  assertEquals(network("version: 2\nethernets:\n  eth0: {dhcp4: yes}\n"), ["eth0 dhcp"]);
  assertEquals(
    network("version: 2\nethernets:\n  x: {match: {name: en*}, addresses: [10.0.0.2/8]}\n"),
    [
      "10.0.0.2/8",
      "network-config:3: en*: no name of an interface: the first wired one is used",
    ],
  );
});

Deno.test("version 1: the first physical interface, and name servers beside it", () => {
  assertEquals(
    network(`version: 1
config:
  - type: physical
    name: eth0
    mac_address: "52:54:00:12:34:56"
    subnets:
      - type: static
        address: 192.168.7.2
        netmask: 255.255.252.0
        gateway: 192.168.4.1
        dns_nameservers: 192.168.4.1
      - type: dhcp6
  - type: nameserver
    address: [9.9.9.9]
    search: [lan]
  - type: bond
    name: bond0
`),
    [
      "52:54:00:12:34:56 192.168.7.2/22,192.168.4.1,192.168.4.1,9.9.9.9",
      "network-config:12: counts for nothing: it is the second subnet",
      "network-config:16: bond bond0: counts for nothing: the node sets up one interface",
    ],
  );
  assertEquals(
    network("version: 1\nconfig:\n  - {type: physical, name: eth0, subnets: [{type: dhcp}]}\n"),
    ["eth0 dhcp"],
  );
});

Deno.test("DHCP beside an address, or neither of them, is said", () => {
  assertEquals(
    network(`version: 2
ethernets:
  eth0:
    dhcp4: true
    addresses: [10.0.0.2/8]
    nameservers: {addresses: [1.1.1.1, 1.0.0.1, 8.8.8.8, 8.8.4.4]}
`),
    [
      "eth0 10.0.0.2/8,,1.1.1.1,1.0.0.1,8.8.8.8",
      "network-config:4: DHCP: counts for nothing beside an address",
      "network-config:6: 8.8.4.4: counts for nothing: 3 are asked",
    ],
  );
  const named = "version: 2\nethernets:\n  eth0:\n    dhcp4: true\n" +
    "    nameservers: {addresses: [1.1.1.1]}\n";
  assertEquals(network(named), [
    "eth0 dhcp",
    "network-config:5: 1.1.1.1: counts for nothing: DHCP names the servers",
  ]);
  assertEquals(network("version: 2\nethernets:\n  eth0:\n    dhcp4: false\n"), [
    undefined,
    "network-config:3: neither an IPv4 address nor DHCP for IPv4: the network stays as it is",
  ]);
  assertEquals(network("# nothing\n"), [undefined]);
});

Deno.test("a network-config with anything that is no address is refused, with its line", () => {
  const v2 = (line: string) => `version: 2\nethernets:\n  eth0:\n    ${line}\n`;
  const v1 = (line: string) =>
    `version: 1\nconfig:\n  - type: physical\n    subnets: [{type: static, ${line}}]\n`;
  const cases: readonly (readonly [string, RegExp])[] = [
    [v2("addresses: [192.168.1.10]"), /:4: the address "192.168.1.10"; give one such as 192/],
    [v2("addresses: [192.168.1.10/33]"), /:4: the address "192.168.1.10\/33"/],
    [v2("addresses: [192.168.1.10/0]"), /:4: the address/],
    [v2("addresses: [192.168.1.010/24]"), /:4: the address/],
    [v2("addresses: [192.168.1.10/24/8]"), /:4: the address/],
    [v2("addresses: ['10.0.0.2/8; reboot']"), /:4: the address "10.0.0.2\/8; reboot"/],
    [v2("addresses: ['10.0.0.2/8,10.0.0.1']"), /:4: the address/],
    [v2("addresses: [[10.0.0.2/8]]"), /:4: an address: is no mapping/],
    [v2("gateway4: '$(reboot)'"), /:4: the gateway "\$\(reboot\)"; give an IP address/],
    [v2("gateway4: 10.0.0.1/8"), /:4: the gateway/],
    [v2("routes: [{to: default}]"), /:4: the gateway ""/],
    [v2("nameservers: {addresses: [dns.lan]}"), /:4: the name server "dns.lan"/],
    [v2("dhcp4: maybe"), /:4: dhcp4 is neither true nor false/],
    [v2("match: {macaddress: nonsense}"), /:4: "nonsense"; give a hardware address/],
    [v1("address: 10.0.0.2, netmask: 255.0.255.0"), /:4: the address "10.0.0.2 255.0.255.0"/],
    [v1("address: 10.0.0.2"), /:4: the address "10.0.0.2"/],
    ["version: 3\n", /:1: version 3; give version: 1 or version: 2/],
    ["ethernets: {}\n", /:1: version missing/],
    ["- version\n", /:1: no mapping at the top/],
    ["version: 2\nethernets: [eth0]\n", /:2: ethernets: is no mapping/],
    ["version: 1\nconfig: disabled\n", /:2: config: is no mapping/],
    ["version: [2\n", /^reading network-config:\d: /],
  ];
  for (const [net, says] of cases) {
    const message = refusal({ net });
    assertMatch(message, /^reading network-config:/);
    assertMatch(message, says, net);
  }
});

Deno.test("documents that are made to grow end soon, and warnings come to an end", () => {
  const bomb = [..."abcdefghi"].map((name, at) =>
    `${name}: &${name} [${Array(9).fill(at === 0 ? "lol" : `*${"abcdefghi"[at - 1]}`)}]`
  ).join("\n");
  assertMatch(refusal({ user: `${bomb}\nssh_authorized_keys: *i\n` }), /is no public key/);
  const many = Array.from({ length: 999 }, (_, at) => `key${at}: x\n`).join("");
  const { warnings } = setup({ user: many });
  assertEquals([warnings.length, warnings.at(-1)], [21, "user-data: and more"]);
});
