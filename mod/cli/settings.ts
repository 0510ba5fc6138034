/**
 * The table of settings: what each is for, and what it may be.
 *
 * @module
 */

import { parseWindow, UpdateError } from "../core/mod.ts";

/** Most characters of a value. */
export const MAX_VALUE_LENGTH = 4096;

/** The longest time that can be set: a day. */
export const MAX_SECONDS = 86_400;

const MAX_COUNT = 1000;

/** The health checks that need containerd or the API server. */
export const CLUSTER_CHECKS = ["containerd", "api-server", "node-ready", "kube-system"] as const;

/** One of {@linkcode CLUSTER_CHECKS}. */
export type ClusterCheck = typeof CLUSTER_CHECKS[number];

/** One row of the table. Its name in update.conf is in snake_case, as a flag it has dashes. */
export interface Setting<T = unknown> {
  /** What stands for its value in help. */
  readonly placeholder: string;
  /** What it is for. */
  readonly meaning: string;
  /** What counts where nobody gave one. */
  readonly default?: string;
  /**
   * The commands that take its flag: those that ask a source, those that judge health, both of them
   * (`cluster`), or none.
   */
  readonly group: "source" | "health" | "cluster" | "other";
  /** It is another word for this setting. */
  readonly as?: "server";
  /**
   * The value of a text.
   * @throws {UpdateError} `usage` with what was found and what to write instead.
   */
  read(text: string): T;
}

/** All settings. */
export const SETTINGS = {
  server: {
    placeholder: "url",
    meaning: "update server: the directory that has latest.json; or a registry's host/repository",
    group: "source",
    read: readServer,
  },
  registry: {
    placeholder: "repository",
    meaning: "take updates from an OCI registry: host/repository",
    group: "source",
    as: "server",
    read: readRepository,
  },
  tag: {
    placeholder: "tag",
    meaning: "tag of the release in the registry (default: the repository's, or stable)",
    group: "source",
    read: readTag,
  },
  caFile: {
    placeholder: "file",
    meaning: "trust the authorities in this PEM file as well",
    group: "source",
    read: readLine,
  },
  clientCert: {
    placeholder: "file",
    meaning: "certificate that this node presents to the source, in PEM",
    group: "source",
    read: readLine,
  },
  clientKey: {
    placeholder: "file",
    meaning: "the certificate's private key, in PEM",
    group: "source",
    read: readLine,
  },
  channel: {
    placeholder: "name",
    meaning: "channel to follow",
    default: "stable",
    group: "source",
    read: readChannel,
  },
  maintenanceWindow: {
    placeholder: "windows",
    meaning:
      'update only then, in the node\'s time, such as "Sat,Sun 22:00-04:00; Fri 01:00-03:00"',
    group: "source",
    read: parseWindow,
  },
  pubkey: {
    placeholder: "keys",
    meaning:
      "take only what is signed by one of these Ed25519 keys: files or keys, separated by commas",
    group: "source",
    read: readLine,
  },
  healthcheckUrl: {
    placeholder: "url",
    meaning: "a URL that must answer 2xx",
    group: "health",
    read: readWebUrl,
  },
  healthChecks: {
    placeholder: "names",
    meaning: `of ${
      CLUSTER_CHECKS.join(", ")
    }: those to ask, or none (default: what suits the node)`,
    group: "health",
    read: readChecks,
  },
  kubeSystemSeconds: {
    placeholder: "seconds",
    meaning: "that the containers of kube-system must have run for",
    default: "30",
    group: "health",
    read: (text: string) => readWhole(text, 0, MAX_SECONDS),
  },
  containerdSocket: {
    placeholder: "socket",
    meaning: "where containerd listens (default: KubeSolo's, else /run/containerd/containerd.sock)",
    group: "health",
    read: readLine,
  },
  kubeconfig: {
    placeholder: "file",
    meaning: "how the API server is reached (default: KubeSolo's, else a pod's service account)",
    group: "cluster",
    read: readLine,
  },
  nodeName: {
    placeholder: "name",
    meaning: "what the API server calls this node (default: its hostname)",
    group: "cluster",
    read: readNodeName,
  },
  autoRollbackAfter: {
    placeholder: "count",
    meaning: "failed health checks after which the agent itself gives a slot on trial up",
    group: "health",
    read: (text: string) => readWhole(text, 1, MAX_COUNT),
  },
  healthDeadline: {
    placeholder: "seconds",
    meaning: "in which a health check that says no is asked again; --deadline",
    default: "300",
    group: "other",
    read: (text: string) => readWhole(text, 0, MAX_SECONDS),
  },
} as const satisfies Readonly<Record<string, Setting>>;

/** The name of a setting. */
export type SettingName = keyof typeof SETTINGS;

/** What a setting's text comes to. */
export type ValueOf<N extends SettingName> = ReturnType<(typeof SETTINGS)[N]["read"]>;

/** The row of a setting. */
export function settingOf(name: SettingName): Setting {
  return SETTINGS[name];
}

/** The setting that a name is for: `registry` is another word for `server`. */
export function subjectOf(name: SettingName): SettingName {
  return settingOf(name).as ?? name;
}

/**
 * A value as it may be shown: without the user, the password and the query that an address may have.
 * Where a password ends is anybody's guess, so nothing before the last `@` is shown.
 */
export function printable(text: string): string {
  return text.replace(/^([a-z][a-z0-9+.-]*:\/\/)?.*@(?!sha256:)/is, "$1…@").replace(/\?.*/s, "?…");
}

function refuse(text: string, advice: string): never {
  throw new UpdateError("usage", {
    operation: "reading a setting",
    found: text.length > MAX_VALUE_LENGTH
      ? `${text.length} characters, where at most ${MAX_VALUE_LENGTH} are read`
      : `"${printable(text)}"`,
    advice,
  });
}

/** Text on one line that drives no terminal. */
function readLine(text: string): string {
  // deno-lint-ignore no-control-regex
  const plain = text.length <= MAX_VALUE_LENGTH && !/[\x00-\x1f\x7f-\x9f]/.test(text);
  return plain ? text : refuse(text, "write it on one line, without control characters");
}

function readServer(text: string): URL | string {
  return text.includes("://") ? readWebUrl(text) : readRepository(text);
}

/** A repository's name, as far as can be said without the registry client: that one reads it again. */
function readRepository(text: string): string {
  const good = /^[^\s/@]+\/[^\s/@][^\s@]*(@sha256:[^\s@]+)?$/.test(readLine(text)) &&
    !text.includes("://");
  return good ? text : refuse(
    text,
    "write it as http://host/path or https://host/path, or as host/repository of a registry",
  );
}

function readWebUrl(text: string): URL {
  const url = URL.parse(readLine(text));
  if (url?.protocol === "http:" || url?.protocol === "https:") return url;
  return refuse(text, "write it as http://host/path or https://host/path");
}

function readTag(text: string): string {
  if (/^\w[\w.-]{0,127}$/.test(text)) return text;
  return refuse(text, "write it as 1 to 128 letters, digits, dots, dashes and underscores");
}

function readChannel(text: string): string {
  if (/^[\w.+/-]{1,128}$/.test(text)) return text;
  return refuse(text, "write it as one word, such as stable");
}

function readWhole(text: string, least: number, most: number): number {
  const value = Number(text);
  if (/^\d+$/.test(text) && value >= least && value <= most) return value;
  return refuse(text, `write it as a whole number, ${least} to ${most}`);
}

function readChecks(text: string): readonly ClusterCheck[] {
  const names = text === "none" ? [] : text.split(",").map((name) => name.trim());
  const chosen = CLUSTER_CHECKS.filter((name) => names.includes(name));
  if (chosen.length === names.length) return chosen;
  return refuse(text, `write none, or some of ${CLUSTER_CHECKS.join(",")}`);
}

/** A DNS subdomain (RFC 1123), which is what nodes are called by. */
function readNodeName(text: string): string {
  if (text.length <= 253 && /^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$/.test(text)) return text;
  return refuse(text, "write it as the API server does: small letters, digits, dashes and dots");
}
