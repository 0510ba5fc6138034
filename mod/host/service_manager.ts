/**
 * The node's own service managers, as far as services of the agent go.
 *
 * @module
 */

import { UpdateError } from "../core/mod.ts";
import { type ProgramEnd, runFirst } from "./_program.ts";

/** Whether a service runs in the boots to come. `masked`: somebody forbade it. */
export type ServiceState = "enabled" | "disabled" | "masked";

/** Who starts services. All methods throw {@linkcode UpdateError} `slot` where it says no. */
export interface ServiceManager {
  /** Whether the service is started at each boot. */
  state(service: string): Promise<ServiceState>;
  /** Whether it knows any of them by an older file than the one that is there. */
  isStale(services: readonly string[]): Promise<boolean>;
  /** Files of services have changed. */
  reload(): Promise<void>;
  /** From now on the service is started at each boot. */
  enable(service: string): Promise<void>;
  /** It is not any more, and it ends. */
  disable(service: string): Promise<void>;
  /** Starts it now. */
  start(service: string): Promise<void>;
  /** It ends, where it runs. */
  stop(service: string): Promise<void>;
  /** Starts it anew, where it runs. */
  restart(service: string): Promise<void>;
}

/** systemd, asked with systemctl(1). */
export class Systemd implements ServiceManager {
  /** Whether the unit is started at each boot. */
  async state(unit: string): Promise<ServiceState> {
    // it ends with 1 for every other answer than "enabled"
    const { said } = await run("systemctl", BIN, ["is-enabled", unit]);
    // `masked-runtime` cannot be started either; `enabled-runtime` ends with this boot
    return said.startsWith("masked") ? "masked" : said === "enabled" ? "enabled" : "disabled";
  }

  /** Whether any of the units was changed since systemd has read it. */
  async isStale(units: readonly string[]): Promise<boolean> {
    const { said } = await run("systemctl", BIN, ["show", "--property=NeedDaemonReload", ...units]);
    return said.includes("=yes");
  }

  /** Reads all units anew. */
  async reload(): Promise<void> {
    await order("systemctl", BIN, ["daemon-reload"]);
  }

  /** Enables the unit. */
  async enable(unit: string): Promise<void> {
    await order("systemctl", BIN, ["enable", unit]);
  }

  /** Disables the unit, and stops it. */
  async disable(unit: string): Promise<void> {
    await order("systemctl", BIN, ["disable", "--now", unit]);
  }

  /** Starts the unit; what it does may take longer. */
  async start(unit: string): Promise<void> {
    await order("systemctl", BIN, ["start", "--no-block", unit]);
  }

  /** Stops the unit, and waits until it has ended. */
  async stop(unit: string): Promise<void> {
    await order("systemctl", BIN, ["stop", unit]);
  }

  /** Restarts the unit where it is active. */
  async restart(unit: string): Promise<void> {
    await order("systemctl", BIN, ["try-restart", "--no-block", unit]);
  }
}

/** OpenRC's runlevel `default`, changed with rc-update(8), and its services, run by rc-service(8). */
export class OpenRc implements ServiceManager {
  /** Whether it is in the runlevel. */
  async state(service: string): Promise<ServiceState> {
    const { said } = await run("rc-update", SBIN, ["show", "default"]);
    const names = said.split("\n").map((line) => line.split("|")[0].trim());
    return names.includes(service) ? "enabled" : "disabled";
  }

  /** Never. */
  isStale(): Promise<boolean> {
    return Promise.resolve(false);
  }

  /** OpenRC sees by itself that a file is newer. */
  async reload(): Promise<void> {}

  /** Adds it to the runlevel. */
  async enable(service: string): Promise<void> {
    await order("rc-update", SBIN, ["add", service, "default"]);
  }

  /** Stops it, and takes it out of the runlevel: where it does not stop, it is still there to be seen. */
  async disable(service: string): Promise<void> {
    await this.stop(service);
    await order("rc-update", SBIN, ["delete", service, "default"]);
  }

  /** Starts it. */
  async start(service: string): Promise<void> {
    await order("rc-service", SBIN, [service, "start"]);
  }

  /** Stops it where it has been started. */
  async stop(service: string): Promise<void> {
    await order("rc-service", SBIN, ["--ifstarted", service, "stop"]);
  }

  /** Restarts it where it has been started. */
  async restart(service: string): Promise<void> {
    await order("rc-service", SBIN, ["--ifstarted", service, "restart"]);
  }
}

const BIN = ["/usr/bin", "/bin"];
const SBIN = ["/usr/sbin", "/sbin"];

async function run(
  program: string,
  directories: readonly string[],
  args: readonly string[],
): Promise<ProgramEnd> {
  const end = await runFirst(directories.map((directory) => `${directory}/${program}`), args);
  if (end) return end;
  throw failure(`${program} ${args.join(" ")}`, `no ${program} in ${directories.join(" or ")}`);
}

async function order(
  program: string,
  directories: readonly string[],
  args: readonly string[],
): Promise<void> {
  const { success, complaint } = await run(program, directories, args);
  if (!success) throw failure(`${program} ${args.join(" ")}`, complaint);
}

function failure(command: string, found: string): UpdateError {
  return new UpdateError("slot", {
    operation: `running ${command}`,
    found,
    advice: "see what is in its way, and run this again: it goes on where it stopped",
  });
}
