/**
 * The manifests of deploy/kubernetes, read.
 *
 * @module
 */

import { parseAllDocuments } from "yaml";
import { ROOT } from "../../tasks/sources.ts";

/** Where they are. */
export const KUBERNETES = `${ROOT}/deploy/kubernetes`;

/** A resource of any kind. */
export interface Resource {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: {
    readonly name?: string;
    readonly namespace?: string;
    readonly labels?: Readonly<Record<string, string>>;
  };
  // deno-lint-ignore no-explicit-any
  readonly [member: string]: any;
}

/** A volume, as far as it is used here. */
export interface Volume {
  readonly name: string;
  readonly hostPath?: { readonly path: string; readonly type?: string };
  readonly emptyDir?: { readonly medium?: string };
  readonly projected?: unknown;
}

/** A container, as far as it is used here. */
export interface Container {
  readonly name: string;
  readonly image: string;
  readonly command?: readonly string[];
  readonly args?: readonly string[];
  readonly env?: readonly {
    readonly name: string;
    readonly valueFrom: { readonly fieldRef: { readonly fieldPath: string } };
  }[];
  readonly resources: { readonly limits: { readonly memory: string } };
  readonly securityContext: {
    readonly privileged?: boolean;
    readonly readOnlyRootFilesystem?: boolean;
    readonly allowPrivilegeEscalation?: boolean;
    readonly runAsUser?: number;
    readonly capabilities?: { readonly add?: readonly string[]; readonly drop?: readonly string[] };
  };
  readonly volumeMounts?: readonly {
    readonly name: string;
    readonly mountPath: string;
    readonly readOnly?: boolean;
  }[];
}

/** What a pod is made from, as far as it is used here. */
export interface PodSpec {
  readonly hostNetwork?: boolean;
  readonly serviceAccountName: string;
  readonly initContainers?: readonly Container[];
  readonly containers: readonly Container[];
  readonly volumes?: readonly Volume[];
}

/** The resources in a file below {@linkcode KUBERNETES}. */
export async function readManifest(path: string): Promise<Resource[]> {
  const documents = parseAllDocuments(await Deno.readTextFile(`${KUBERNETES}/${path}`), {
    strict: true,
    uniqueKeys: true,
  });
  return documents.map((document) => {
    for (const problem of [...document.errors, ...document.warnings]) throw problem;
    return document.toJS();
  });
}

/** What a workload makes pods from; undefined where it makes none. */
export function podOf({ kind, spec }: Resource): PodSpec | undefined {
  if (kind === "CronJob") return spec.jobTemplate.spec.template.spec;
  return spec?.template?.spec;
}

/** A JSON patch (RFC 6902) of what kustomize is given here: `replace`, and `add` to the end of a list. */
export function patched<T>(
  target: T,
  operations: readonly { readonly op: string; readonly path: string; readonly value: unknown }[],
): T {
  const copy = structuredClone(target);
  for (const { op, path, value } of operations) {
    const keys = path.split("/").slice(1);
    const last = keys.pop() ?? "";
    // deno-lint-ignore no-explicit-any
    const parent = keys.reduce((at: any, key) => at[key], copy);
    if (op === "add" && last === "-") parent.push(value);
    else if (op === "replace" && last in parent) parent[last] = value;
    else throw new Error(`${op} ${path}: there is nothing like that`);
  }
  return copy;
}
