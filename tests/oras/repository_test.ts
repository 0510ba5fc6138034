import { RegistryClient, Repository } from "../../mod/oras/mod.ts";
import { serve } from "../http/_servers.ts";
import { blob, noise } from "./_artifacts.ts";
import { at, fails, MANIFEST, open } from "./_repository.ts";

Deno.test("what is no repository, tag or digest is never sent", async () => {
  const client = new RegistryClient();
  for (const repository of ["../os", "os/", "", "os?x"]) {
    const reference = { registry: "registry.example", repository };
    await fails("reference", () => Promise.resolve().then(() => new Repository(reference, client)));
  }
  const repository = open({ host: "registry.example" });
  const bad = { ...MANIFEST.descriptor, digest: "sha256:../../x" };
  for (const reference of ["../x", "", "a/b", "sha512:00", bad.digest]) {
    await fails("reference", () => repository.resolve(reference));
    await fails("reference", () => repository.deleteManifest(reference));
    await fails("reference", () => repository.deleteBlob(reference));
    await fails("reference", () => repository.mount(`${reference}..`, MANIFEST.descriptor));
  }
  await fails("reference", () => repository.fetch(bad));
  await fails("reference", () => repository.fetch({ ...bad, mediaType: "a/b" }));
  await fails("reference", () => repository.referrers(bad));
});

Deno.test("the page of a network that wants a login is no blob, no list and no answer", async () => {
  await using server = serve(() =>
    new Response("<html>", { headers: { "content-type": "text/html" } })
  );
  const repository = open(at(server));
  const { descriptor } = blob(noise(10));
  for (
    const act of [
      () => repository.fetch(descriptor),
      () => repository.exists(descriptor),
      () => repository.resolve("a"),
      () => repository.tags(),
      () => repository.referrers(descriptor),
    ]
  ) await fails("protocol", act, "a web page");
});
