import type { ContainerStatus, PodObject } from "./objects.ts";

/** What a pod must show. */
export interface Wanted {
  /** Seconds that each container must have run for. */
  readonly stableSeconds: number;
  /** Seconds that a container has run for. */
  runningSeconds(container: ContainerStatus): number;
}

/**
 * Why a pod is not well; undefined where it is, where it has done its work, and where another one
 * takes its place.
 */
export function podProblem(pod: PodObject, wanted: Wanted): string | undefined {
  const { metadata, status } = pod;
  const phase = status?.phase;
  if (metadata?.deletionTimestamp || phase === "Succeeded") return undefined;
  // it stays as it is for ever; its controller has made another one, which is looked at as well
  const controlled = metadata?.ownerReferences?.some(({ controller }) => controller);
  if (phase === "Failed" && controlled) return undefined;

  const init = status?.initContainerStatuses ?? [];
  const containers = status?.containerStatuses ?? [];
  if (phase === "Running") {
    const names = pod.spec?.containers?.map(({ name }) => name) ?? [];
    const missing = names.find((name) => !containers.some((one) => one.name === name));
    if (missing !== undefined) return `container ${missing} has not started`;
    return first(containers.map((one) => containerProblem(one, pod, wanted)));
  }
  const stuck = first([...init, ...containers].map((one) => stateProblem(one)));
  return stuck ?? `${phase ?? "no phase"}${status?.reason ? ` (${status.reason})` : ""}`;
}

function containerProblem(
  container: ContainerStatus,
  pod: PodObject,
  { stableSeconds, runningSeconds }: Wanted,
): string | undefined {
  const { name, state } = container;
  const done = state?.terminated?.exitCode === 0 && pod.spec?.restartPolicy !== "Always";
  if (done) return undefined;
  if (!state?.running) return stateProblem(container) ?? `container ${name} has not started`;
  const seconds = runningSeconds(container);
  if (seconds >= stableSeconds) return undefined;
  return `container ${name} has run for ${Math.floor(seconds)} of ${stableSeconds} s`;
}

function stateProblem({ name, state }: ContainerStatus): string | undefined {
  const { waiting, terminated } = state ?? {};
  if (waiting) return `container ${name} waits: ${waiting.reason ?? "no reason given"}`;
  if (terminated && terminated.exitCode !== 0) {
    return `container ${name} ended: ${terminated.reason ?? "no reason given"}, ` +
      `exit ${terminated.exitCode}`;
  }
}

function first(problems: readonly (string | undefined)[]): string | undefined {
  return problems.find((problem) => problem !== undefined);
}
