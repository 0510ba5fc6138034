/**
 * What happened on a node, told from its serial line.
 *
 * @module
 */

import type { SerialLine } from "../serial_log.ts";

/** One boot. */
export interface BootRecord {
  readonly number: number;
  /** `A` or `B`. */
  readonly slot: string;
  /** GRUB's reason: `normal`, `trial`, `rollback`, … */
  readonly why: string;
  /** Version of the system that came up; absent where none did. */
  version?: string;
  /** Seconds from power-on or reset until the node's init ran. */
  seconds?: number;
  /** What the health check said. */
  healthy?: boolean;
}

/** One change of phase. */
export interface PhaseRecord {
  readonly boot: number;
  /** Seconds since power-on. */
  readonly at: number;
  readonly from: string;
  readonly to: string;
  readonly version?: string;
}

/** GRUB's three variables, as it last said. */
export interface Environment {
  readonly active: string;
  readonly counter: number;
  readonly success: boolean;
}

/** Something that a person who watches wants to hear of. */
export type Scene =
  | { readonly kind: "boot"; readonly boot: BootRecord }
  | { readonly kind: "up"; readonly boot: BootRecord }
  | { readonly kind: "health"; readonly boot: BootRecord; readonly line: string }
  | { readonly kind: "phase"; readonly phase: PhaseRecord }
  | {
    readonly kind: "progress";
    readonly what: string;
    readonly percent: number;
    readonly amount: string;
  }
  | { readonly kind: "says"; readonly line: string }
  | { readonly kind: "status"; readonly status: unknown };

/** Marks the line on which a node prints its status as JSON. */
export const STATUS_MARK = "NODE-STATUS ";

/** Reads serial lines in order and keeps what they mean. */
export class Story {
  readonly boots: BootRecord[] = [];
  readonly phases: PhaseRecord[] = [];
  /** Versions, as far as they are known. */
  readonly versions: Record<string, string | undefined>;
  environment?: Environment;
  status?: unknown;
  /** Seconds of the boots before this one. */
  #before = 0;
  #last = 0;

  /** The versions that the slots begin with. */
  constructor(versions: { readonly A: string; readonly B: string }) {
    this.versions = { ...versions };
  }

  /** The boot that goes on. */
  get boot(): BootRecord | undefined {
    return this.boots.at(-1);
  }

  /** The machine was reset: its lines count their seconds from 0 again. */
  reset(): void {
    this.#before += this.#last;
    this.#last = 0;
  }

  /** Takes one line; the scene that it makes, where it makes one. */
  read({ text, seconds }: SerialLine): Scene | undefined {
    this.#last = seconds;
    return this.#grub(text) ?? this.#init(text, seconds) ?? this.#agent(text, seconds);
  }

  #grub(text: string): Scene | undefined {
    const variables =
      /KSOLO-GRUB (?:env=\S+|saved) active_slot=(\S*) boot_counter=(\S*) boot_success=(\S*)/
        .exec(text);
    if (variables) {
      const [, active, counter, success] = variables;
      this.environment = { active, counter: Number(counter), success: success === "1" };
    }
    const booted = /KSOLO-GRUB boot slot=([AB]) why=(\w+)/.exec(text);
    if (!booted) return undefined;
    const boot = { number: this.boots.length + 1, slot: booted[1], why: booted[2] };
    this.boots.push(boot);
    return { kind: "boot", boot };
  }

  #init(text: string, seconds: number): Scene | undefined {
    const { boot } = this;
    const started = /KSOLO-INIT: start version=(\S+)/.exec(text);
    if (started && boot) {
      boot.version = started[1];
      boot.seconds = round(seconds);
      this.versions[boot.slot] = boot.version;
      return { kind: "up", boot };
    }
    const health = /KSOLO-INIT: (healthy|unhealthy.*)$/.exec(text);
    if (!health || !boot) return undefined;
    boot.healthy = health[1] === "healthy";
    if (boot.healthy) this.environment = { active: boot.slot, counter: 3, success: true };
    return { kind: "health", boot, line: health[1] };
  }

  #agent(text: string, seconds: number): Scene | undefined {
    const moved = /^(\w+) → (\w+)(?: (\S+))?$/.exec(text);
    if (moved) {
      const [, from, to, version] = moved;
      const at = round(this.#before + seconds);
      const phase = { boot: this.boots.length, at, from, to, version };
      this.phases.push(phase);
      return this.#phaseScene(phase);
    }
    const progress = /^(fetching|reading back) (\S+) .*?(\d+) % (.*)$/.exec(text);
    if (progress) {
      const [, verb, artifact, percent, amount] = progress;
      return { kind: "progress", what: `${verb} ${artifact}`, percent: Number(percent), amount };
    }
    if (text.startsWith(STATUS_MARK)) {
      this.status = JSON.parse(text.slice(STATUS_MARK.length));
      return { kind: "status", status: this.status };
    }
    const own =
      /^(kubesolo-update \w+:|health |warning:|up to date|.* is available|.* is in the slot already|.* refused by gate)/;
    return own.test(text) ? { kind: "says", line: text } : undefined;
  }

  #phaseScene(phase: PhaseRecord): Scene {
    const { to, version } = phase;
    const passive = this.boot?.slot === "A" ? "B" : "A";
    if (to === "downloading") this.versions[passive] = undefined;
    if (to === "staged") this.versions[passive] = version;
    if (to === "activated") this.environment = { active: passive, counter: 3, success: false };
    return { kind: "phase", phase };
  }
}

function round(seconds: number): number {
  return Math.round(seconds * 10) / 10;
}
