/**
 * The protocol's numbers and words, in the words of its specification and of update_engine.
 *
 * @module
 */

/** The only version of the protocol that is spoken. */
export const PROTOCOL = "3.0";

/** What `installsource` of a request says. */
export const INSTALL_SOURCE = {
  /** The client's own schedule. */
  scheduler: "scheduler",
  /** Somebody asked for it. */
  onDemandUpdate: "ondemandupdate",
} as const;

/** `eventtype` of an event. */
export const EVENT_TYPE = {
  unknown: 0,
  downloadComplete: 1,
  installComplete: 2,
  updateComplete: 3,
  uninstall: 4,
  downloadStarted: 5,
  installStarted: 6,
  newApplicationInstallStarted: 9,
  setupStarted: 10,
  setupFinished: 11,
  updateApplicationStarted: 12,
  updateDownloadStarted: 13,
  updateDownloadFinished: 14,
  updateInstallerStarted: 15,
  setupUpdateBegin: 16,
  setupUpdateComplete: 17,
  registerProduct: 20,
  oemInstallFirstCheck: 30,
  appSpecificCommandStarted: 40,
  appSpecificCommandEnded: 41,
  setupFailure: 100,
  comServerFailure: 102,
  setupUpdateFailure: 103,
  /** Nebraska's own: written, and waiting for the reboot. */
  installed: 800,
} as const;

/** `eventresult` of an event. */
export const EVENT_RESULT = {
  error: 0,
  success: 1,
  successReboot: 2,
  successRestartBrowser: 3,
  cancelled: 4,
  errorInstallerMsi: 5,
  errorInstallerOther: 6,
  noUpdate: 7,
  installerSystem: 8,
  updateDeferred: 9,
  handoffError: 10,
} as const;

/** `status` of an application in a response. */
export const APP_STATUS = {
  ok: "ok",
  restricted: "restricted",
  unknownApplication: "error-unknownApplication",
  invalidAppId: "error-invalidAppId",
  invalidVersion: "error-invalidVersion",
  internal: "error-internal",
} as const;

/** `status` of an update check in a response. */
export const UPDATE_STATUS = {
  ok: "ok",
  noUpdate: "noupdate",
  osNotSupported: "error-osnotsupported",
  unsupportedProtocol: "error-unsupportedProtocol",
  pluginRestrictedHost: "error-pluginRestrictedHost",
  hash: "error-hash",
  internal: "error-internal",
} as const;

/** `errorcode` of an event, as update_engine sends them. */
export const ERROR_CODE = {
  /** Anything that has no other number. */
  generic: 1,
  omahaRequest: 2,
  downloadTransfer: 9,
  payloadHashMismatch: 10,
  payloadSizeMismatch: 11,
  omahaRequestEmptyResponse: 30,
  omahaRequestXmlParse: 31,
  omahaResponseInvalid: 34,
  omahaRequestHttp: 37,
  omahaUpdateDeferredForBackoff: 40,
  rolledBack: 44,
  /** What the status of an HTTP answer is added to. */
  httpBase: 2000,
} as const;

/** `status` of an application where nebraska gives out no update now, whatever there may be. */
export const NOT_NOW: readonly string[] = [
  "error-noPackageFound",
  "error-maxUpdatesPerPeriodLimitReached",
  "error-maxConcurrentUpdatesLimitReached",
  "error-maxTimedOutUpdatesLimitReached",
  "error-updatesDisabled",
];

/** `status` of an application where nebraska waits for the end of an update that it has granted before. */
export const IN_PROGRESS = "error-updateInProgressOnInstance";

/** Values of {@linkcode APP_STATUS}. */
export type AppStatus = typeof APP_STATUS[keyof typeof APP_STATUS];

/** Values of {@linkcode UPDATE_STATUS}. */
export type UpdateStatus = typeof UPDATE_STATUS[keyof typeof UPDATE_STATUS];

/** How Omaha writes an architecture: `amd64` is `x64`, `386` is `x86`, others are as they are. */
export function omahaArchitecture(architecture: string): string {
  if (architecture === "amd64") return "x64";
  return architecture === "386" ? "x86" : architecture;
}
