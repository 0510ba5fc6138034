import { assert, assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { compileAgent } from "../../tasks/compile.ts";
import { ProgramError, runText } from "../../tasks/run.ts";
import { ROOT } from "../../tasks/sources.ts";
import { inScratch } from "../in_scratch.ts";
import { type Container, KUBERNETES, podOf, readManifest, type Resource } from "./_manifests.ts";

const BY_HAND = "healthcheck_job.yaml";

const { version }: { version: string } = JSON.parse(await Deno.readTextFile(`${ROOT}/deno.json`));
const files = (await Array.fromAsync(Deno.readDir(`${KUBERNETES}/base`), ({ name }) => name))
  .filter((name) => name !== "kustomization.yaml").sort();
const resources = (await Promise.all(files.map((name) => readManifest(`base/${name}`)))).flat();
const containers = resources.flatMap((resource): Container[] => {
  const pod = podOf(resource);
  return pod ? [...pod.initContainers ?? [], ...pod.containers] : [];
});

/** Where kubernetes-models has the model of a resource: `batch/v1/CronJob`. */
function modelOf({ apiVersion, kind }: Resource): string {
  return `kubernetes-models/${apiVersion}/${kind}`;
}

/** Resolves where all are what Kubernetes' schemas say: no member too many, none too few, none wrong. */
async function validate(all: readonly Resource[]): Promise<void> {
  for (const resource of all) {
    const { kind } = resource;
    const models = await import(modelOf(resource));
    new models[kind](resource).validate();
  }
  // the schemas let unknown members pass, types do not
  await inScratch(async (scratch) => {
    const lines = all.flatMap((resource, at) => [
      `import type { I${resource.kind} as Model${at} } from "${modelOf(resource)}";`,
      `export const resource${at}: Model${at} = ${JSON.stringify(resource, null, 2)};`,
    ]);
    await Deno.writeTextFile(`${scratch}/manifests.ts`, lines.join("\n"));
    const args = ["check", "--quiet", "--config", `${ROOT}/deno.json`, `${scratch}/manifests.ts`];
    await runText(Deno.execPath(), args, { env: { NO_COLOR: "1" } });
  });
}

Deno.test("all manifests are what Kubernetes' schemas say", () => validate(resources));

Deno.test("what Kubernetes' schemas do not know is found", async () => {
  const cronJob = resources.find(({ kind }) => kind === "CronJob");
  assert(cronJob);
  const change = (edit: (container: Record<string, unknown>) => void) => {
    const changed = structuredClone(cronJob);
    edit(changed.spec.jobTemplate.spec.template.spec.containers[0]);
    return [changed];
  };
  const unknown = () =>
    validate(change((container) => container.securityContext = { readOnlyRootFileSystem: true }));
  const error = await assertRejects(unknown, ProgramError);
  assertStringIncludes(error.message, "readOnlyRootFileSystem");
  const wrong = () => validate(change((container) => delete container.name));
  await assertRejects(wrong, Error, "must have required property name");
});

Deno.test("the kustomization has every manifest but the one that is for the hand", async () => {
  const [{ resources: listed }] = await readManifest("base/kustomization.yaml");
  assertEquals([...listed, BY_HAND].sort(), files);
});

Deno.test("all that is made belongs together, under one name and of one version", () => {
  const namespaces = new Set(
    resources.map(({ kind, metadata }) =>
      kind === "Namespace" ? metadata.name : metadata.namespace
    ),
  );
  // cluster-wide, the role for the pods of kube-system, and the rest
  assertEquals(namespaces, new Set([undefined, "kube-system", "kubesolo-update"]));
  for (const { kind, metadata } of resources) {
    const name = metadata.name ?? "generated";
    assert(/^(?:kubesolo-update(?:-\w+)?|generated)$/.test(name), `${kind} ${name}`);
  }
  const images = new Set(containers.map(({ image }) => image));
  assertEquals(images, new Set([`registry.lan/kubesolo/update:${version}`]));
});

Deno.test("selectors choose the pods that are meant", () => {
  const seen = new Set<string>();
  for (const { kind, spec, metadata } of resources.filter(podOf)) {
    const template = kind === "CronJob" ? spec.jobTemplate.spec.template : spec.template;
    assertEquals(template.metadata.labels, metadata.labels);
    if (spec.selector) assertEquals(spec.selector.matchLabels, metadata.labels);
    seen.add(JSON.stringify(template.metadata.labels));
  }
  assertEquals(seen.size, 4, "no two workloads choose each other's pods");
  const service = resources.find(({ kind }) => kind === "Service");
  const metrics = resources.find(({ metadata }) => metadata.name === "kubesolo-update-metrics");
  assertEquals(service?.spec.selector, metrics?.spec.selector.matchLabels);
});

Deno.test("only pods that ask the API server have a token, and it may read what they ask for", () => {
  const workloads = resources.filter(podOf);
  const tokens = workloads.map((one) => [
    one.metadata.labels?.["app.kubernetes.io/component"],
    (podOf(one) as unknown as Record<string, unknown>).automountServiceAccountToken,
  ]);
  assertEquals(Object.fromEntries(tokens), {
    "update": true,
    "healthcheck": true,
    "healthcheck-job": true,
    "metrics": false,
  });
  const rules = resources.flatMap(({ kind, rules }) => /Role$/.test(kind) ? rules : []);
  assertEquals(rules, [
    { apiGroups: [""], resources: ["nodes"], verbs: ["get"] },
    { apiGroups: [""], resources: ["pods"], verbs: ["list"] },
  ]);
  const account = resources.find(({ kind }) => kind === "ServiceAccount");
  for (const { kind, subjects, roleRef } of resources) {
    if (!/Binding$/.test(kind)) continue;
    const { name, namespace } = account?.metadata ?? {};
    assertEquals(subjects, [{ kind: "ServiceAccount", name, namespace }]);
    assert(
      resources.some((one) => one.kind === roleRef.kind && one.metadata.name === roleRef.name),
    );
  }
});

Deno.test("nothing of the node is shared that is not argued for", () => {
  for (const resource of resources) {
    const pod = podOf(resource);
    if (!pod) continue;
    const { hostPID, hostIPC } = pod as unknown as Record<string, unknown>;
    assertEquals([hostPID, hostIPC], [undefined, undefined]);
    const judges = resource.metadata.labels?.["app.kubernetes.io/component"].startsWith("health");
    assertEquals(pod.hostNetwork, judges ? true : undefined);
    const paths = pod.volumes?.flatMap(({ hostPath }) => hostPath ? [hostPath.path] : []);
    const wanted = ["/var/lib/kubesolo/update", "/dev", "/proc", "/sys"];
    if (judges) wanted.push("/var/lib/kubesolo/containerd/containerd.sock");
    assertEquals(paths, wanted);
    for (
      const { securityContext, volumeMounts } of [...pod.containers, ...pod.initContainers ?? []]
    ) {
      assertEquals(securityContext.readOnlyRootFilesystem, true);
      const writable = volumeMounts?.flatMap(({ name, readOnly }) => readOnly ? [] : [name]) ?? [];
      for (const name of writable) assert(name === "state" || name === "run", name);
    }
  }
});

Deno.test("what the pods run is in the agent's help", async () => {
  const agent = await compileAgent(Deno.build.arch);
  for (const { args } of containers) {
    if (!args) continue;
    const help = await runText(agent, [args[0], "--help"]);
    for (const flag of args.filter((word) => word.startsWith("--"))) {
      assertStringIncludes(help, `  ${flag} `, args.join(" "));
    }
  }
});
