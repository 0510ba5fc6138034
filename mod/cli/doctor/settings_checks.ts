/**
 * What the operator wants: settings, keys, and who starts the agent.
 *
 * @module
 */

import { detectInit, type FoundInit } from "../../host/mod.ts";
import { choosePrefix, describeFile } from "../install/executable.ts";
import { executableBelow } from "../install/prefixes.ts";
import { readUnit } from "../install/plan_units.ts";
import { serviceManager } from "../install/services.ts";
import { HOMES, type InitWithFiles, isOurs, unitFiles } from "../install/unit_files.ts";
import { nameOf } from "../read_settings.ts";
import { reportSettings } from "../report_settings.ts";
import { type SettingName, subjectOf } from "../settings.ts";
import { openTrust } from "../trust.ts";
import {
  type Check,
  type Finding,
  needed,
  ok,
  problem,
  Skipped,
  together,
  warning,
} from "./check.ts";
import type { Sight } from "./sight.ts";

/** Checks of settings, trust and services. */
export function settingsChecks(sight: Sight): readonly Check[] {
  return [
    { name: "settings", look: () => judgeSettings(sight) },
    { name: "trust", look: () => judgeTrust(sight) },
    {
      name: "services",
      look: async () => {
        await needed(sight.root(), "which init this is");
        const found = await detectInit(sight.parts.disk);
        if (!found) throw new Skipped("neither systemd nor OpenRC nor KubeSolo's init");
        return await judgeServices(found);
      },
    },
  ];
}

async function judgeSettings({ parts: { disk }, flags }: Sight): Promise<Finding> {
  const { file, exists, settings, warnings } = await reportSettings(
    disk,
    flags,
    flags.state,
  );
  const findings = [
    ...settings.flatMap(({ problem: fault }) =>
      fault ? [problem(fault, "`kubesolo-update config` shows all of them")] : []
    ),
    ...warnings.map(({ line, message }) =>
      warning(`${file}:${line}: ${message}`, "see `kubesolo-update config`")
    ),
  ];
  const isServer = (name: SettingName | undefined) => name && subjectOf(name) === "server";
  const server = settings.find(({ key }) => isServer(nameOf(key)))?.value;
  if (server === undefined && findings.length === 0) {
    const found = exists ? `no server in ${file}` : `no ${file}`;
    findings.push(warning(found, `name the update server: server=… in ${file}`));
  }
  return together(findings, `${file}: updates come from ${server}`);
}

async function judgeTrust({ parts: { disk }, flags, settings }: Sight): Promise<Finding> {
  const trust = await openTrust(await settings(), {
    disk,
    state: flags.state,
    mayWrite: false,
    reporter: { report() {} },
  });
  if (trust) return ok(`updates need ${trust.wanted}`);
  return warning(
    "no key: whatever answers at the server's address is believed",
    "make one (`deno task keygen`), sign releases with it, and name it: pubkey=…",
  );
}

async function judgeServices({ init, because }: FoundInit): Promise<Finding> {
  if (init === "kubesolo") return ok("KubeSolo's init runs the agent");
  const executable = executableBelow(await choosePrefix());
  const advice = "`kubesolo-update install` puts them in place; in pods nothing of it is needed";
  if (!await describeFile(executable)) return warning(`no ${executable}`, advice);
  const units = await judgeUnits(init, executable);
  if (units.every(({ level }) => level !== "ok")) {
    return warning(`${executable} is there, but nothing starts it`, advice);
  }
  return together(
    [...units, ...await judgeEnabled(init)],
    `${executable}; ${because}, its files are in place and enabled`,
  );
}

async function judgeUnits(init: InitWithFiles, executable: string): Promise<Finding[]> {
  const files = await unitFiles(init, executable);
  return await Promise.all(files.map(async ({ path, text }): Promise<Finding> => {
    const found = await readUnit(path);
    if (!found) return warning(`no ${path}`, "`kubesolo-update install` puts it there");
    if (found.text === undefined || found.text === text || !isOurs(found.text)) return ok(path);
    return warning(`${path} is another version's`, "`kubesolo-update install` renews it");
  }));
}

async function judgeEnabled(init: InitWithFiles): Promise<Finding[]> {
  const manager = serviceManager(init);
  return await Promise.all(HOMES[init].services.map(async ({ name }): Promise<Finding> => {
    const state = await manager.state(name);
    if (state === "disabled") {
      return warning(`${name} is not enabled`, "`kubesolo-update install` enables it");
    }
    return ok(name);
  }));
}
