import { assert, assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import type { HealthCheck } from "../../mod/core/mod.ts";
import { DenoDisk } from "../../mod/host/mod.ts";
import {
  apiServerCheck,
  BLOCK_LABEL,
  kubeSystemCheck,
  MAX_ANSWER_BYTES,
  MAX_PAGES,
  nodeReadyCheck,
  PODS_PER_PAGE,
  readBlockLabel,
  readKubeconfig,
} from "../../mod/kube/mod.ts";
import { Authority } from "../certificates.ts";
import { nginxAbsent } from "../http/_nginx.ts";
import { closedPort } from "../http/_servers.ts";
import { ApiServer } from "./_api_server.ts";
import {
  BOOT_ID,
  NODE,
  nodeObject,
  podList,
  podObject,
  type PodPlan,
  runningFor,
  statusObject,
} from "./_objects.ts";

const DISK = new DenoDisk();
const THIS_NODE = { bootId: BOOT_ID, name: () => Promise.resolve(NODE) };
const CLOCKS = { now: () => new Date(), uptime: () => Promise.resolve(3600) };

/** Runs `body` with an API server and a kubeconfig for it. */
function withApi(
  name: string,
  body: (api: ApiServer, access: () => ReturnType<typeof readKubeconfig>) => Promise<void>,
): void {
  Deno.test({
    name,
    ignore: nginxAbsent, // where nginx is not installed
    async fn() {
      await using api = await ApiServer.start();
      const path = await api.write(api.kubeconfig());
      await body(api, () => readKubeconfig(DISK, path));
    },
  });
}

function run(check: HealthCheck, seconds = 20): Promise<void> {
  return check.run(AbortSignal.timeout(seconds * 1000));
}

/** Why a check says no. */
async function no(check: HealthCheck, seconds?: number): Promise<string> {
  return (await assertRejects(() => run(check, seconds), Error)).message;
}

withApi(
  "the API server is ready for who has a certificate or a token, and no one else",
  async (api) => {
    const check = async (kubeconfig: string) => {
      const path = await api.write(kubeconfig);
      return apiServerCheck(() => readKubeconfig(DISK, path));
    };
    await run(await check(api.kubeconfig()));
    await run(await check(api.tokenKubeconfig()));
    assertEquals(api.requests, ["/readyz", "/readyz"]);

    const expired = await no(await check(api.tokenKubeconfig("expired-token")));
    assertStringIncludes(expired, "/readyz answered 401 Unauthorized, asked as ");
    assertEquals(expired.includes("expired-token"), false);

    const elsewhere = await Deno.makeTempDir();
    try {
      const stranger = await Authority.create(elsewhere);
      const other = await stranger.issue("admin");
      const read = async (path: string) => btoa(await Deno.readTextFile(path));
      const cluster = { "certificate-authority-data": await read(stranger.certificate) };
      assertStringIncludes(
        await no(await check(api.kubeconfig({ cluster }))),
        "invalid peer certificate: ",
      );
      const user = {
        "client-certificate-data": await read(other.certificate),
        "client-key-data": await read(other.key),
      };
      assertStringIncludes(await no(await check(api.kubeconfig({ user }))), "400 Bad Request");
      const mixed = { "client-key-data": await read(other.key) };
      assertStringIncludes(
        await no(await check(api.kubeconfig({ user: mixed }))),
        "cannot be used",
      );
    } finally {
      await Deno.remove(elsewhere, { recursive: true });
    }
    for (
      const text of ["no PEM", "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n"]
    ) {
      const cluster = { "certificate-authority-data": btoa(text) };
      assert(await no(await check(api.kubeconfig({ cluster }))), text);
    }
    const server = `https://127.0.0.1:${closedPort()}`;
    assertStringIncludes(
      await no(await check(api.kubeconfig({ cluster: { server } }))),
      `${server}/readyz: client error (Connect): tcp connect error: Connection refused`,
    );
  },
);

withApi("an API server that is half ready says what it lacks", async (api, access) => {
  const cases: readonly [answer: () => Response | Promise<Response>, reason: string][] = [
    [
      () =>
        new Response(
          "[+]ping ok\n[-]etcd failed: reason withheld\n[-]poststarthook/x failed: not finished\n" +
            "readyz check failed\n",
          { status: 500 },
        ),
      "500 Internal Server Error: etcd failed: reason withheld, poststarthook/x failed: not",
    ],
    [() => statusObject(503, "ServiceUnavailable", "starting"), "503 Service Unavailable"],
    [() => new Response("[-]" + "x".repeat(9999), { status: 500 }), "x".repeat(300)],
    [
      () => Response.redirect("https://127.0.0.2/login", 302),
      "/readyz answered 302",
    ],
    [
      () => new Response(new Uint8Array(MAX_ANSWER_BYTES + 1), { status: 500 }),
      `more than ${MAX_ANSWER_BYTES} bytes`,
    ],
  ];
  for (const [answer, reason] of cases) {
    api.intercept = answer;
    const said = await no(apiServerCheck(access));
    assertStringIncludes(said, reason);
    assert(said.length < 600, said);
  }
  api.intercept = () =>
    new Promise<Response>((resolve) => setTimeout(resolve, 500, new Response()));
  assertStringIncludes(await no(apiServerCheck(access), 0.1), "/readyz: ");
});

withApi("a node is ready when its kubelet has said so in this boot", async (api, access) => {
  await run(nodeReadyCheck(access, THIS_NODE));
  const loud = { ...THIS_NODE, bootId: BOOT_ID.toUpperCase() };
  await run(nodeReadyCheck(access, loud));

  api.node = nodeObject({ ready: "False" });
  assertEquals(
    await no(nodeReadyCheck(access, THIS_NODE)),
    `node ${NODE} is not ready (False): KubeletNotReady: cni plugin not initialized`,
  );
  api.node = nodeObject({ ready: "Unknown" });
  assertStringIncludes(await no(nodeReadyCheck(access, THIS_NODE)), "is not ready (Unknown)");
  api.node = nodeObject({ bootID: "00000000-0000-4000-8000-000000000000" });
  assertStringIncludes(await no(nodeReadyCheck(access, THIS_NODE)), "has not reported since this");
  const { status: _, ...rest } = nodeObject();
  api.node = rest;
  assertStringIncludes(await no(nodeReadyCheck(access, THIS_NODE)), "(no condition Ready)");

  const other = { ...THIS_NODE, name: () => Promise.resolve("edge-2") };
  assertStringIncludes(await no(nodeReadyCheck(access, other)), "/api/v1/nodes/edge-2 not found");
  for (const answer of ["{}", "[]", "null", "no JSON", '{"kind":"NodeList"}']) {
    api.intercept = () => new Response(answer);
    assertStringIncludes(await no(nodeReadyCheck(access, THIS_NODE)), "answered with no Node");
  }
});

withApi("pods of kube-system are judged by what keeps them from running", async (api, access) => {
  const waiting = (reason: string) => ({ waiting: { reason, message: "…" } });
  const ended = (exitCode: number) => ({ terminated: { reason: "Error", exitCode } });
  // a clock that stands, at a whole second: containers run for as long as a case says, and no longer
  const now = Math.floor(Date.now() / 1000) * 1000;
  const clocks = { ...CLOCKS, now: () => new Date(now) };
  const cases: readonly [pod: PodPlan, problem: string | undefined][] = [
    [{}, undefined],
    [{ state: runningFor(30, now) }, undefined],
    [{ state: runningFor(12, now) }, "container main has run for 12 of 30 s"],
    [{ state: waiting("CrashLoopBackOff") }, "container main waits: CrashLoopBackOff"],
    [
      { phase: "Pending", state: waiting("ImagePullBackOff") },
      "container main waits: ImagePullBackOff",
    ],
    [
      { phase: "Pending", state: waiting("ContainerCreating") },
      "container main waits: ContainerCreating",
    ],
    [
      {
        phase: "Pending",
        state: waiting("PodInitializing"),
        initState: waiting("CrashLoopBackOff"),
      },
      "container prepare waits: CrashLoopBackOff",
    ],
    [{ phase: "Pending", state: null }, "Pending"],
    [{ phase: "Unknown", state: null }, "Unknown"],
    [{ state: null }, "container main has not started"],
    [{ state: {} }, "container main has not started"],
    [{ state: ended(1) }, "container main ended: Error, exit 1"],
    [{ state: ended(0) }, "container main has not started"],
    [{ state: ended(0), restartPolicy: "OnFailure" }, undefined],
    [{ state: ended(2), restartPolicy: "Never" }, "container main ended: Error, exit 2"],
    [{ phase: "Succeeded", state: ended(0), restartPolicy: "Never" }, undefined],
    [{ phase: "Failed", reason: "Evicted", state: null }, undefined],
    [{ phase: "Failed", reason: "Evicted", state: null, controlled: false }, "Failed (Evicted)"],
    [{ phase: "Running", state: waiting("CrashLoopBackOff"), deleted: true }, undefined],
  ];
  for (const [plan, problem] of cases) {
    api.pods = [podObject({ name: "well", containerID: "containerd://w" }), podObject(plan)];
    const check = kubeSystemCheck(access, { node: THIS_NODE, clocks });
    if (problem === undefined) await run(check);
    else assertEquals(await no(check), `coredns-6f6b: ${problem}`, JSON.stringify(plan));
  }
  api.pods = Array.from({ length: 5 }, (_, n) => podObject({ name: `p${n}`, state: null }));
  assertStringIncludes(
    await no(kubeSystemCheck(access, { node: THIS_NODE, clocks })),
    "p2: container main has not started; and 2 more",
  );
});

withApi(
  "a start before this boot, or in the future, counts from when it was seen",
  async (api, access) => {
    for (const ago of [7200, -600, NaN]) {
      const state = Number.isNaN(ago) ? { running: {} } : runningFor(ago);
      api.pods = [podObject({ state })];
      const options = { node: THIS_NODE, clocks: CLOCKS, stableSeconds: 0.3 };
      const check = kubeSystemCheck(access, options);
      assertStringIncludes(await no(check), "has run for 0 of 0.3 s");
      await new Promise((resolve) => setTimeout(resolve, 350));
      await run(check);

      api.pods = [podObject({ state, containerID: "containerd://2" })];
      assertStringIncludes(await no(check), "has run for 0 of 0.3 s", "a restart starts anew");
    }
  },
);

withApi("a long list of pods comes in pages, and not without end", async (api, access) => {
  const options = { node: THIS_NODE, clocks: CLOCKS };
  const count = 2 * PODS_PER_PAGE + 1;
  api.pods = Array.from({ length: count }, (_, n) => podObject({ name: `p${n}` }));
  await run(kubeSystemCheck(access, options));
  assertEquals(api.requests.length, 3);
  api.pods[count - 1] = podObject({ name: "last", state: null });
  assertStringIncludes(await no(kubeSystemCheck(access, options)), "last: container main has not");

  api.requests.length = 0;
  api.intercept = () => Response.json(podList([podObject()], "again"));
  assertStringIncludes(await no(kubeSystemCheck(access, options)), "lists pods without end");
  assertEquals(api.requests.length, MAX_PAGES);
  api.intercept = () => Response.json({ kind: "PodList", apiVersion: "v1", metadata: {} });
  assertStringIncludes(await no(kubeSystemCheck(access, options)), "lists no items");
  api.intercept = (url) =>
    url.searchParams.has("continue")
      ? statusObject(410, "Expired", "the continue parameter is too old")
      : Response.json(podList([podObject()], "old"));
  assertStringIncludes(await no(kubeSystemCheck(access, options)), "410 Gone: the continue");
  api.intercept = () => statusObject(403, "Forbidden", 'pods is forbidden: User "x" cannot list');
  assertStringIncludes(await no(kubeSystemCheck(access, options)), "403 Forbidden: pods is forb");
});

withApi(
  "the label blocks by the value true alone, and not where nobody answers",
  async (api, access) => {
    const cases: readonly [labels: Record<string, string>, blocked: boolean, found: string][] = [
      [{}, false, `no label ${BLOCK_LABEL}`],
      [{ [BLOCK_LABEL]: "true" }, true, `${BLOCK_LABEL}=true`],
      [{ [BLOCK_LABEL]: "false" }, false, `${BLOCK_LABEL}=false`],
      [{ [BLOCK_LABEL]: "" }, false, `${BLOCK_LABEL}=`],
    ];
    for (const [labels, blocked, found] of cases) {
      api.node = nodeObject({ labels });
      assertEquals(await readBlockLabel(access, THIS_NODE), { blocked, found });
    }
    api.node = nodeObject({ labels: { [BLOCK_LABEL]: "true" } });
    const silent = () =>
      new Promise<Response>((resolve) => setTimeout(resolve, 500, new Response()));
    for (const answer of [() => statusObject(500, "InternalError", "etcd"), silent]) {
      api.intercept = answer;
      const label = await readBlockLabel(access, THIS_NODE, 0.2);
      assertEquals([label.blocked, label.found], [false, "no answer"]);
      assert(label.unanswered?.includes(`/api/v1/nodes/${NODE}`), label.unanswered);
    }
  },
);
