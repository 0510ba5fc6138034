import { assert, assertEquals, assertMatch } from "@std/assert";
import { NEW_STATE } from "../../mod/core/mod.ts";
import { familiesOf } from "../../mod/metrics/mod.ts";
import { runText } from "../../tasks/run.ts";
import { ROOT } from "../../tasks/sources.ts";
import { Exporter } from "../cli/_exporter.ts";
import { TestNode } from "../cli/_test_node.ts";
import { until } from "../until.ts";
import { DEPLOYED, Prometheus } from "./_prometheus.ts";

interface Panel {
  readonly id: number;
  readonly type: string;
  readonly title: string;
  readonly gridPos: {
    readonly x: number;
    readonly y: number;
    readonly w: number;
    readonly h: number;
  };
  readonly datasource?: { readonly uid: string };
  readonly targets?: readonly { readonly refId: string; readonly expr: string }[];
}

/** Rule tests, by what one step of them is: a minute, and half an hour. */
const RULE_TESTS = ["rules_test.yml", "rules_days_test.yml"];

const dashboard = JSON.parse(await Deno.readTextFile(`${DEPLOYED}/dashboard.json`));
const panels: readonly Panel[] = dashboard.panels;
const drawn = panels.filter(({ type }) => type !== "row");

/** The queries of the dashboard, as Grafana sends them for all nodes. */
const queries = drawn.flatMap(({ targets = [] }) =>
  targets.map(({ expr }) => expr.replaceAll(/\$(job|instance)/g, ".*"))
);

Deno.test("promtool finds nothing wrong with the rules and the configuration, and their tests pass", async () => {
  await runText("promtool", ["check", "rules", "--lint-fatal", "rules.yml"], { cwd: DEPLOYED });
  await runText("promtool", ["check", "config", "prometheus.yml"], { cwd: DEPLOYED });
  await runText("promtool", ["test", "rules", ...RULE_TESTS], { cwd: DEPLOYED });
});

Deno.test("each alert is tested where it fires and where it does not, and says what to do", async () => {
  const rules = await Deno.readTextFile(`${DEPLOYED}/rules.yml`);
  const tests = (await Promise.all(
    RULE_TESTS.map((name) => Deno.readTextFile(`${DEPLOYED}/${name}`)),
  )).join("\n");
  const alerts = rules.split("- alert: ").slice(1);
  assertEquals(alerts.length, 12);
  for (const alert of alerts) {
    const name = alert.split("\n")[0];
    for (const member of ["severity", "summary", "description", "runbook"]) {
      assertMatch(alert, new RegExp(`^ +${member}: .+`, "m"), name);
    }
    assertMatch(tests, new RegExp(`alertname: ${name}\n +exp_alerts:\n`), `${name} fires`);
    assertMatch(
      tests,
      new RegExp(`alertname: ${name}\n +exp_alerts: \\[\\]\n`),
      `${name} does not`,
    );
  }
});

Deno.test("rules, dashboard and README name only metrics that the agent exports, and the README all", async () => {
  const agent = { version: "", architecture: "", runtime: "" };
  const exported = new Set(
    familiesOf({ agent, state: NEW_STATE, problems: {} }).map(({ name }) => name),
  );
  const files = ["rules.yml", ...RULE_TESTS, "dashboard.json"].map((name) => `${DEPLOYED}/${name}`);
  for (const file of [...files, `${ROOT}/README.md`]) {
    const text = await Deno.readTextFile(file);
    const named = text.match(/\bkubesolo_(?:os|update)_\w+/g) ?? [];
    assert(named.length > 5, file);
    for (const name of named) assert(exported.has(name), `${file} names ${name}`);
  }
  const readme = await Deno.readTextFile(`${ROOT}/README.md`);
  for (const name of exported) assert(readme.includes(`\`${name}`), `the README lacks ${name}`);
});

Deno.test("the dashboard is one that Grafana takes: ids, places, data sources", () => {
  assertMatch(dashboard.uid, /^[a-zA-Z0-9_-]{1,40}$/);
  assertEquals(dashboard.schemaVersion, 38);
  assert(dashboard.title.length > 0);
  assertEquals(new Set(panels.map(({ id }) => id)).size, panels.length);
  const names = dashboard.templating.list.map(({ name }: { name: string }) => name);
  assertEquals(names, ["datasource", "job", "instance"]);

  const taken = new Map<string, string>();
  for (const { title, type, gridPos: { x, y, w, h }, targets, datasource } of panels) {
    assert(x >= 0 && w > 0 && h > 0 && x + w <= 24, title);
    for (let column = x; column < x + w; column++) {
      for (let line = y; line < y + h; line++) {
        assertEquals(taken.get(`${column},${line}`), undefined, `${title} lies on another`);
        taken.set(`${column},${line}`, title);
      }
    }
    if (type === "row") continue;
    assert(["stat", "table", "timeseries", "state-timeline"].includes(type), title);
    assertEquals(datasource?.uid, "${datasource}", title);
    assert(targets && targets.length > 0, title);
    assertEquals(new Set(targets.map(({ refId }) => refId)).size, targets.length, title);
    for (const { expr } of targets) {
      assertMatch(expr, /job=~"\$job", instance=~"\$instance"/, title);
    }
  }
});

Deno.test("Prometheus scrapes the agent, and all rules and queries of the dashboard work on it", async () => {
  await using node = await TestNode.create();
  await node.publish({ version: "2.0.0" });
  assertEquals((await node.ask("apply")).code, 0);
  await using exporter = await Exporter.start(node);
  await using prometheus = await Prometheus.start(new URL(exporter.url).host);

  const valueOf = async (query: string) =>
    (await prometheus.query(query)).map(({ value }) => value[1]);
  await until(async () => (await valueOf('up{job="kubesolo-update"}'))[0] === "1");
  const phases = await prometheus.query("kubesolo_update_phase");
  assertEquals(phases.length, 9);
  assertEquals(
    phases.filter(({ value }) => value[1] === "1").map(({ metric }) => metric.phase),
    ["staged"],
  );
  const [info] = await prometheus.query("kubesolo_os_info");
  assertEquals([info.metric.version, info.metric.slot], ["1.0.0", "A"]);

  const metadata: readonly { metric: string; type: string; unit: string }[] = await prometheus.api(
    "targets/metadata",
  );
  const typeOf = (name: string) => metadata.find(({ metric }) => metric === name)?.type;
  assertEquals(typeOf("kubesolo_os"), "info", "Prometheus was given OpenMetrics");
  assertEquals(typeOf("kubesolo_update_attempts"), "counter");

  for (const query of queries) await prometheus.query(query);
  // nothing was refused, and no health check had news; an increase takes two scrapes
  await until(async () => {
    const found = await Promise.all(queries.map((query) => prometheus.query(query)));
    const silent = queries.filter((_, at) => found[at].length === 0);
    return silent.every((query) => /health_check|refusals/.test(query));
  });

  await until(async () => {
    const { groups } = await prometheus.api("rules");
    const states = groups[0].rules.map(({ health }: { health: string }) => health);
    return states.length === 12 && states.every((health: string) => health === "ok");
  });

  // a change on disk is there with the next scrape
  assertEquals((await node.update("activate")).code, 0);
  await until(async () => (await valueOf('kubesolo_update_phase{phase="activated"}'))[0] === "1");
  await until(async () => (await valueOf('kubesolo_os_boot_slot{slot="B"}'))[0] === "1");

  assertEquals((await exporter.end("SIGTERM")).code, 0);
  await until(async () => (await valueOf('up{job="kubesolo-update"}'))[0] === "0");
});
