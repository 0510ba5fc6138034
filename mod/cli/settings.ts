/**
 * The table of settings: what each is for, and what it may be.
 *
 * @module
 */

import { parseWindow } from "../core/mod.ts";
import {
  CLUSTER_CHECKS,
  readAppId,
  readChannel,
  readChecks,
  readLine,
  readNodeName,
  readRepository,
  readServer,
  readTag,
  readWebUrl,
  readWhole,
} from "./setting_values.ts";

/** The longest time that can be set: a day. */
export const MAX_SECONDS = 86_400;

/** What KubeSolo OS is called at an Omaha server. */
export const DEFAULT_APP_ID = "io.kubesolo.os";

const MAX_COUNT = 1000;

/** One row of the table. Its name in update.conf is in snake_case, as a flag it has dashes. */
export interface Setting<T = unknown> {
  /** What stands for its value in help. */
  readonly valueName: string;
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
    valueName: "url",
    meaning: "update server: the directory that has latest.json; or a registry's host/repository",
    group: "source",
    read: readServer,
  },
  registry: {
    valueName: "repository",
    meaning: "take updates from an OCI registry: host/repository",
    group: "source",
    as: "server",
    read: readRepository,
  },
  omaha: {
    valueName: "url",
    meaning: "take updates from an Omaha server such as nebraska: http://host/v1/update/",
    group: "source",
    as: "server",
    read: readWebUrl,
  },
  appId: {
    valueName: "id",
    meaning: "what the Omaha server calls this application",
    default: DEFAULT_APP_ID,
    group: "source",
    read: readAppId,
  },
  track: {
    valueName: "name",
    meaning: "group or channel at the Omaha server (default: the channel)",
    group: "source",
    read: readChannel,
  },
  tag: {
    valueName: "tag",
    meaning: "tag of the release in the registry (default: the repository's, or stable)",
    group: "source",
    read: readTag,
  },
  caFile: {
    valueName: "file",
    meaning: "trust the authorities in this PEM file as well",
    group: "source",
    read: readLine,
  },
  clientCert: {
    valueName: "file",
    meaning: "certificate that this node presents to the source, in PEM",
    group: "source",
    read: readLine,
  },
  clientKey: {
    valueName: "file",
    meaning: "the certificate's private key, in PEM",
    group: "source",
    read: readLine,
  },
  channel: {
    valueName: "name",
    meaning: "channel to follow",
    default: "stable",
    group: "source",
    read: readChannel,
  },
  maintenanceWindow: {
    valueName: "windows",
    meaning:
      'update only then, in the node\'s time, such as "Sat,Sun 22:00-04:00; Fri 01:00-03:00"',
    group: "source",
    read: parseWindow,
  },
  pubkey: {
    valueName: "keys",
    meaning:
      "take only what is signed by one of these Ed25519 keys: files or keys, separated by commas",
    group: "source",
    read: readLine,
  },
  healthcheckUrl: {
    valueName: "url",
    meaning: "a URL that must answer 2xx",
    group: "health",
    read: readWebUrl,
  },
  healthChecks: {
    valueName: "names",
    meaning: `of ${
      CLUSTER_CHECKS.join(", ")
    }: those to ask, or none (default: what suits the node)`,
    group: "health",
    read: readChecks,
  },
  kubeSystemSeconds: {
    valueName: "seconds",
    meaning: "that the containers of kube-system must have run for",
    default: "30",
    group: "health",
    read: (text: string) => readWhole(text, 0, MAX_SECONDS),
  },
  containerdSocket: {
    valueName: "socket",
    meaning: "where containerd listens (default: KubeSolo's, else /run/containerd/containerd.sock)",
    group: "health",
    read: readLine,
  },
  kubeconfig: {
    valueName: "file",
    meaning: "how the API server is reached (default: KubeSolo's, else a pod's service account)",
    group: "cluster",
    read: readLine,
  },
  nodeName: {
    valueName: "name",
    meaning: "what the API server calls this node (default: its hostname)",
    group: "cluster",
    read: readNodeName,
  },
  autoRollbackAfter: {
    valueName: "count",
    meaning: "failed health checks after which the agent itself gives a slot on trial up",
    group: "health",
    read: (text: string) => readWhole(text, 1, MAX_COUNT),
  },
  healthDeadline: {
    valueName: "seconds",
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

/** The setting that a name is for: `registry` and `omaha` are other words for `server`. */
export function subjectOf(name: SettingName): SettingName {
  return settingOf(name).as ?? name;
}
