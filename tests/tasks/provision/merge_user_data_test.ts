import { assert, assertEquals, assertStringIncludes, assertThrows } from "@std/assert";
import { parse } from "yaml";
import { UpdateError } from "../../../mod/core/mod.ts";
import { mergeUserData } from "../../../tasks/provision/merge_user_data.ts";

const DOCUMENT = `#cloud-config
# the shed
hostname: shed # in the garden
write_files:
  - path: /a # first
    permissions: 0644
    enabled: yes
    version: 1.10
    nothing: ~
    empty:
    at: 12:30
    content: |
      # no comment
        indented

      last
    folded: >-
      one
      two
'on': "0x10"
ssh_authorized_keys:
  - ssh-ed25519 AAAA anna # she has a key, too
# the end
`;

const KEY = "ssh-ed25519 BBBB berta";

Deno.test("a name and keys are written into a cloud-config whose comments stay", () => {
  const merged = mergeUserData(DOCUMENT, "node.yaml", { hostname: "node-7", keys: [KEY] });
  assert(
    merged.startsWith("#cloud-config\n# the shed\nhostname: node-7 # in the garden\n"),
    merged,
  );
  for (const comment of ["# first", "anna # she has a key, too", "# no comment", "# the end"]) {
    assert(merged.includes(comment), merged);
  }
  // as cloud-init reads it, in YAML 1.1: 0644 is octal there, yes is true, 12:30 is a number
  const before = parse(DOCUMENT, { version: "1.1" });
  const after = parse(merged, { version: "1.1" });
  const { hostname, ssh_authorized_keys, ...rest } = after;
  assertEquals(hostname, "node-7");
  assertEquals(ssh_authorized_keys, ["ssh-ed25519 AAAA anna", KEY]);
  assertEquals(rest, { write_files: before.write_files, on: before.on });
  assertEquals(rest.write_files[0].permissions, 0o644);
});

Deno.test("where nothing is added, or is there already, not a byte changes or none comes twice", () => {
  assertEquals(mergeUserData(DOCUMENT, "node.yaml", { keys: [] }), DOCUMENT);
  const once = mergeUserData("#cloud-config\n", "node.yaml", { hostname: "a", keys: [KEY] });
  assertEquals(parse(once), { hostname: "a", ssh_authorized_keys: [KEY] });
  assertEquals(mergeUserData(once, "node.yaml", { hostname: "a", keys: [KEY] }), once);
  const empty = mergeUserData("#cloud-config\nssh_authorized_keys:\n", "x", { keys: [KEY] });
  assertEquals(parse(empty), { ssh_authorized_keys: [KEY] });
});

Deno.test("what cannot be added without a change to something else is left to the person", () => {
  const cases = {
    "ssh_authorized_keys: ssh-ed25519 AAAA anna\n": "ssh_authorized_keys is no list",
    "hostname: &name shed\nfqdn: *name\n": "something else in the document would change",
    "a: *nowhere\n": "Unresolved alias",
    "a: &a\n  b: *a\n": "Converting circular structure",
    "<<: 5\n": "Merge sources must be maps",
  };
  for (const [text, found] of Object.entries(cases)) {
    const error = assertThrows(
      () => mergeUserData(`#cloud-config\n${text}`, "n.yaml", { hostname: "a", keys: [KEY] }),
      UpdateError,
      `adding --hostname and --ssh-key to n.yaml: ${found}`,
    );
    assertStringIncludes(error.message, "; write hostname:");
  }
});
