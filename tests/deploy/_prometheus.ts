import { ROOT } from "../../tasks/sources.ts";
import { closedPort } from "../http/_servers.ts";
import { until } from "../until.ts";

/** What is deployed for Prometheus and Grafana. */
export const DEPLOYED = `${ROOT}/deploy/prometheus`;

/** One series of an answer. */
export interface Found {
  readonly metric: Readonly<Record<string, string>>;
  readonly value: readonly [time: number, value: string];
}

/** Debian's prometheus with the deployed configuration, but for its target and its intervals. */
export class Prometheus implements AsyncDisposable {
  readonly #url: string;
  readonly #directory: string;
  readonly #child: Deno.ChildProcess;

  private constructor(url: string, directory: string, child: Deno.ChildProcess) {
    this.#url = url;
    this.#directory = directory;
    this.#child = child;
  }

  /** Resolves when it is ready; it scrapes `target` (host and port) each second. */
  static async start(target: string): Promise<Prometheus> {
    const directory = await Deno.makeTempDir({ prefix: "prometheus-" });
    const deployed = await Deno.readTextFile(`${DEPLOYED}/prometheus.yml`);
    const config = deployed.replaceAll("30s", "1s").replace("127.0.0.1:9100", target);
    await Deno.writeTextFile(`${directory}/prometheus.yml`, config);
    await Deno.copyFile(`${DEPLOYED}/rules.yml`, `${directory}/rules.yml`);
    const address = `127.0.0.1:${closedPort()}`;
    const child = new Deno.Command("/usr/bin/prometheus", {
      args: [
        `--config.file=${directory}/prometheus.yml`,
        `--storage.tsdb.path=${directory}/data`,
        `--web.listen-address=${address}`,
        "--log.level=error",
      ],
      stdout: "null",
      stderr: "inherit",
    }).spawn();
    const prometheus = new Prometheus(`http://${address}`, directory, child);
    try {
      await until(async () => (await prometheus.#get("/-/ready")).length > 0);
    } catch (error) {
      await prometheus[Symbol.asyncDispose]();
      throw error;
    }
    return prometheus;
  }

  /** What a query finds now; an error of PromQL is thrown. */
  async query(expression: string): Promise<readonly Found[]> {
    const { result } = await this.api(`query?query=${encodeURIComponent(expression)}`);
    return result as readonly Found[];
  }

  /** The member `data` of an answer of the HTTP API. */
  // deno-lint-ignore no-explicit-any -- shapes differ by path
  async api(path: string): Promise<any> {
    const { status, data, error } = JSON.parse(await this.#get(`/api/v1/${path}`));
    if (status !== "success") throw new Error(`${path}: ${error}`);
    return data;
  }

  async #get(path: string): Promise<string> {
    const answer = await fetch(`${this.#url}${path}`);
    const text = await answer.text();
    if (answer.status >= 500) throw new Error(text);
    return text;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#child.kill("SIGKILL");
    await this.#child.status;
    await Deno.remove(this.#directory, { recursive: true });
  }
}
