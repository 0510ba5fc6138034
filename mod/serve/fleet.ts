/**
 * The nodes that ask, and how far each of them is.
 *
 * @module
 */

import { oneLine, shortened } from "../core/mod.ts";
import {
  ERROR_CODE,
  EVENT_RESULT,
  EVENT_TYPE,
  type OmahaAppRequest,
  type OmahaEventRequest,
} from "../omaha/mod.ts";
import type { Wish } from "./choose_release.ts";
import { MAX_NODE_DAYS, MAX_NODE_TEXT, MAX_NODES } from "./limits.ts";

/** How far a node is, from what it has said last; in the order in which people should look at them. */
export const NODE_PHASES = [
  "error",
  "rolled back",
  "waiting",
  "downloading",
  "downloaded",
  "installed",
  "offered",
  "updated",
  "up to date",
  "seen",
] as const;

/** One of {@linkcode NODE_PHASES}. */
export type NodePhase = typeof NODE_PHASES[number];

/** Phases in which no update is under way, or has ended badly. */
const AT_REST: readonly NodePhase[] = ["waiting", "updated", "up to date", "seen"];

/** A node, as far as it has said what it is. */
export interface FleetNode {
  /** What it is known by: its machine id, or its address where it has sent none. */
  readonly id: string;
  /** Whether `id` is its address: it has asked for files or a registry, or is an Omaha client without an id. */
  readonly isAddress: boolean;
  /** Its own name for itself; empty where it has none. */
  readonly alias: string;
  /** The version that runs; empty where nobody has said. */
  readonly version: string;
  /** The channel that it follows; empty where nobody has said. */
  readonly channel: string;
  /** As `uname -m` says it; empty where nobody has said. */
  readonly architecture: string;
  /** How far it is. */
  readonly phase: NodePhase;
  /** When it got there, in milliseconds since 1970. */
  readonly since: number;
  /** The version that the phase is about; empty where there is none. */
  readonly target: string;
  /** What it said about an error; 0 where there is none. */
  readonly errorCode: number;
  /** From where it has asked last. */
  readonly address: string;
  /** With what it has asked last. */
  readonly agent: string;
  /** When it has asked first, in milliseconds since 1970. */
  readonly firstSeen: number;
  /** When it has asked last, in milliseconds since 1970. */
  readonly lastSeen: number;
}

/** Where a request comes from. */
export interface Caller {
  /** Its address, without a port. */
  readonly address: string;
  /** `User-Agent`. */
  readonly agent: string;
}

/** Bits 28 and up of update_engine's error codes are flags. */
const ERROR_CODE_BITS = 28;

const DAY_MS = 24 * 60 * 60 * 1000;

/** Nodes by their ids, those that were seen last at the end; bounded in number and age. */
export class Fleet {
  readonly #nodes = new Map<string, FleetNode>();
  readonly #changed = new Set<string>();
  #isUnsaved = false;

  /** With the nodes that are remembered. */
  constructor(nodes: Iterable<FleetNode> = []) {
    for (const node of [...nodes].sort((a, b) => a.lastSeen - b.lastSeen)) {
      this.#nodes.set(node.id, node);
    }
    this.forgetOld();
  }

  /** All of them, those that were seen for longest ago first. */
  get nodes(): Iterable<FleetNode> {
    return this.#nodes.values();
  }

  /** How many. */
  get size(): number {
    return this.#nodes.size;
  }

  /**
   * Gives `save` the ids whose nodes have changed or are gone since it last succeeded; `all`: of what was
   * saved nothing is known, and the ids are those of all nodes. What it throws is thrown.
   */
  saveTo(save: (ids: Iterable<string>, all: boolean) => void): void {
    if (this.#changed.size === 0 && !this.#isUnsaved) return;
    const isUnsaved = this.#isUnsaved;
    const ids = isUnsaved ? [...this.#nodes.keys()] : [...this.#changed];
    // without a database that works they would become more and more
    this.#changed.clear();
    this.#isUnsaved = true;
    save(ids, isUnsaved);
    this.#isUnsaved = false;
  }

  /** The node of that id. */
  get(id: string): FleetNode | undefined {
    return this.#nodes.get(id);
  }

  /** An Omaha client is there. */
  seen(app: OmahaAppRequest, wish: Wish, caller: Caller): FleetNode {
    const machine = said(app.machineid);
    const before = this.#nodes.get(machine || caller.address);
    return this.#put({
      ...this.#base(machine || caller.address, caller),
      isAddress: !machine,
      alias: said(app.machinealias),
      version: said(app.version),
      channel: said(wish.channel),
      architecture: said(wish.architecture) || before?.architecture || "",
    });
  }

  /** A node has asked for a release by its files or from the registry: nothing but its address is known. */
  asked(caller: Caller, channel: string): void {
    const node = this.#base(caller.address, caller);
    this.#put({ ...node, channel: said(channel) || node.channel });
  }

  /** It was offered `target`. */
  offered(id: string, target: string): void {
    const node = this.#nodes.get(id);
    const isNew = node?.target !== target || AT_REST.includes(node.phase);
    if (node && isNew) this.#move(node, "offered", target);
  }

  /** It was offered nothing: it runs the newest, or waits for a release that it can take. */
  notOffered(id: string, isCurrent: boolean): void {
    const node = this.#nodes.get(id);
    // what it was to run, it runs
    const isDone = isCurrent && node?.phase === "updated" && node.target === node.version;
    if (node && !isDone) this.#move(node, isCurrent ? "up to date" : "waiting", "");
  }

  /** It says what has become of an update. */
  happened(id: string, event: OmahaEventRequest, version: string): void {
    const node = this.#nodes.get(id);
    const phase = phaseOf(event);
    if (!node || !phase) return;
    const target = said(event.nextversion) || (phase === "updated" ? said(version) : node.target);
    const code = phase === "error" || phase === "rolled back" ? codeOf(event) : 0;
    this.#move(node, phase, target, code);
  }

  /** Forgets nodes that have not asked for too long. */
  forgetOld(now: number = Date.now()): void {
    for (const { id, lastSeen } of this.#nodes.values()) {
      if (this.#nodes.size <= MAX_NODES && lastSeen >= now - MAX_NODE_DAYS * DAY_MS) return;
      this.#nodes.delete(id);
      this.#changed.add(id);
    }
  }

  #base(id: string, { address, agent }: Caller): FleetNode {
    const now = Date.now();
    const before = this.#nodes.get(id);
    return {
      alias: "",
      version: "",
      channel: "",
      architecture: "",
      phase: "seen",
      since: now,
      target: "",
      errorCode: 0,
      firstSeen: now,
      ...before,
      id,
      isAddress: true,
      address: said(address),
      agent: said(agent),
      lastSeen: now,
    };
  }

  #move(node: FleetNode, phase: NodePhase, target: string, errorCode = 0): void {
    if (node.phase === phase && node.target === target && node.errorCode === errorCode) return;
    this.#put({ ...node, phase, target, errorCode, since: Date.now() });
  }

  #put(node: FleetNode): FleetNode {
    this.#nodes.delete(node.id);
    this.#nodes.set(node.id, node);
    this.#changed.add(node.id);
    if (this.#nodes.size > MAX_NODES) this.forgetOld();
    return node;
  }
}

/** What an event says about an update; undefined where that is nothing. */
function phaseOf(event: OmahaEventRequest): NodePhase | undefined {
  const { eventtype, eventresult = EVENT_RESULT.error } = event;
  switch (eventtype) {
    case EVENT_TYPE.updateDownloadStarted:
    case EVENT_TYPE.updateDownloadFinished:
    case EVENT_TYPE.installed:
    case EVENT_TYPE.updateComplete:
      break;
    default:
      return undefined;
  }
  if (eventresult === EVENT_RESULT.error) {
    return codeOf(event) === ERROR_CODE.rolledBack ? "rolled back" : "error";
  }
  if (eventtype === EVENT_TYPE.updateDownloadStarted) return "downloading";
  if (eventtype === EVENT_TYPE.updateDownloadFinished) return "downloaded";
  if (eventtype === EVENT_TYPE.installed) return "installed";
  return eventresult === EVENT_RESULT.successReboot ? "updated" : undefined;
}

function codeOf({ errorcode = 0 }: OmahaEventRequest): number {
  return Number(BigInt.asUintN(ERROR_CODE_BITS, BigInt(Math.trunc(errorcode))));
}

/** What somebody else has said, short and on one line. */
function said(text = ""): string {
  return shortened(oneLine(text.slice(0, 4 * MAX_NODE_TEXT)), MAX_NODE_TEXT);
}
