import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { ensureInstalled } from "../../../tasks/debian.ts";
import { ensureImageTools } from "../../../tasks/image.ts";
import { run, runText } from "../../../tasks/run.ts";
import { assertSameSystem, dataOf, DOCUMENT, KEY, NODE } from "./_provisioned.ts";
import { Workshop } from "./_workshop.ts";

await ensureImageTools();
await ensureInstalled("sgdisk", "e2fsck");

Deno.test("--image makes a file for anybody, of the size that is asked for, or nothing", async () => {
  await using shop = await Workshop.create([]);
  const home = `${shop.directory}/home`;
  await Deno.mkdir(home);
  await run("chmod", ["755", shop.directory]);
  await run("chown", ["65534:65534", home]);
  await Deno.rename(`${shop.directory}/os.img`, `${home}/os.img`);
  await shop.write("home/node.yaml", DOCUMENT.replace("KEY", KEY));
  const image = (...args: string[]) => shop.provisionAsNobody(home, ...NODE, ...args);

  const small = await image("--image", "node.img");
  assertEquals([small.code, small.stdout], [0, "node.img  84 MiB  shed\n"], small.stderr);
  const large = await image("--image", "big.img", "--size", "1G", "--ssh-key", `${KEY} berta`);
  assertEquals(large.code, 0, large.stderr);
  for (const [name, bytes] of [["node.img", 84 << 20], ["big.img", 1 << 30]] as const) {
    const path = `${home}/${name}`;
    const { size, uid } = await Deno.stat(path);
    assertEquals([size, uid], [bytes, 65534]);
    assertStringIncludes(await runText("sgdisk", ["--verify", path]), "No problems found");
    const data = await dataOf(path);
    await data.check();
    assert(/User: +0 +Group: +0/.test(await data.stat("etc-kubesolo/cloud-config.yaml")));
    await assertSameSystem(path, `${home}/os.img`);
  }
  assertEquals(
    await (await dataOf(`${home}/node.img`)).cat("etc-kubesolo/cloud-config.yaml"),
    DOCUMENT.replace("KEY", KEY),
  );

  const wrong = async (found: string, ...args: string[]) => {
    const ran = await image(...args);
    assertEquals(ran.code, 2, `${args}: ${ran.stderr}`);
    assertStringIncludes(ran.stderr, found);
  };
  await wrong("give at least 84M", "--image", "x.img", "--size", "64M");
  await wrong("wanted a size such as 64M or 2G", "--image", "x.img", "--size", "1.5G");
  await wrong("its directory is not there", "--image", "nowhere/x.img");
  await wrong("outside the directory that this was started in", "--image", "/tmp/x.img");
  await wrong("it is os.img, which goes into it", "--image", "os.img");
  await wrong("it is node.yaml, which goes into it", "--image", "./node.yaml");
  await Deno.writeTextFile(`${home}/id.pub`, KEY);
  await Deno.symlink("id.pub", `${home}/link.pub`);
  const keys = ["--ssh-key", KEY, "--ssh-key", "link.pub"];
  await wrong("it is link.pub, which goes into it", "--image", "id.pub", ...keys);
  assertEquals(await Deno.readTextFile(`${home}/id.pub`), KEY);
  // ext4 holds no such file; where a file system does, resize2fs gives up
  const isHeld = await Deno.writeTextFile(`${home}/probe`, "")
    .then(() => Deno.truncate(`${home}/probe`, 99_999 * 2 ** 30)).then(() => true, () => false);
  await Deno.remove(`${home}/probe`);
  const endless = await image("--image", "x.img", "--size", "99999G");
  assertEquals(endless.code, isHeld ? 50 : 2, endless.stderr);
  assertStringIncludes(endless.stderr, isHeld ? "resize2fs: " : "File too large");
  await wrong("leave it out", "--size", "1G", "--device", "/dev/sdx");
  await wrong("give one of them", "--image", "x.img", "--device", "/dev/sdx");
  await wrong("Unknown option '--bundel'", "--bundel", "x");
  assertEquals((await image("--device", "/dev/sdx", "--yes")).code, 50, "that takes root");
  const left = await Array.fromAsync(Deno.readDir(home), ({ name }) => name);
  assertEquals(left.sort(), ["big.img", "id.pub", "link.pub", "node.img", "node.yaml", "os.img"]);
});
