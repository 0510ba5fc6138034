/**
 * A node of a fleet, and the fleet's server.
 *
 * @module
 */

import { APP, Fleet, manifestXml, offerXml, packageXml } from "../omaha/_fleet.ts";
import { Nebraska } from "../omaha/_nebraska.ts";
import { TestNode } from "./_test_node.ts";

/** A node of a fleet: its files lie on its own server, the fleet's server is another one. */
export class FleetSite implements AsyncDisposable {
  readonly node: TestNode;
  readonly nebraska = new Nebraska();
  fleet: Fleet;

  constructor(node: TestNode) {
    this.node = node;
    this.fleet = this.#serve();
  }

  /** Resolves when the node asks the fleet, which has nothing to offer. */
  static async create(): Promise<FleetSite> {
    const site = new FleetSite(await TestNode.create());
    await site.configure();
    return site;
  }

  /** The node's settings name the server where it is now. */
  async configure(...more: readonly string[]): Promise<void> {
    const lines = [`omaha=${this.fleet.url}`, `app_id=${APP}`, ...more];
    await this.node.put("/etc/kubesolo/update.conf", `${lines.join("\n")}\n`);
  }

  /** Whatever is asked of the fleet's server is answered by nothing. */
  async unplug(): Promise<void> {
    await this.fleet[Symbol.asyncDispose]();
  }

  /** It answers again, at another address. */
  async plugIn(): Promise<void> {
    this.fleet = this.#serve();
    await this.configure();
  }

  #serve(): Fleet {
    return new Fleet((request) => this.nebraska.answer(request));
  }

  /** The fleet offers this version, in a directory of its own. */
  async offer(version: string): Promise<string> {
    const { node } = this;
    await node.publish({ version });
    const directory = `${node.www}/${version}`;
    await Deno.mkdir(directory, { recursive: true });
    const names = { vmlinuz: `vmlinuz-${version}`, "kubesolo-os.gz": `kubesolo-os-${version}.gz` };
    const packages: string[] = [];
    for (const [name, file] of Object.entries(names)) {
      const bytes = await Deno.readFile(`${node.www}/${file}`);
      await Deno.writeFile(`${directory}/${name}`, bytes);
      packages.push(packageXml(name, bytes));
    }
    await Deno.rename(`${node.www}/latest.json`, `${directory}/latest.json`);
    const xml = offerXml([`${node.url}/${version}`], [manifestXml(version, packages)]);
    this.nebraska.offer = { version, xml };
    return directory;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.fleet[Symbol.asyncDispose]();
    await this.node[Symbol.asyncDispose]();
  }
}
