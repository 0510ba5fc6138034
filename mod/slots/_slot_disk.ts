import { type Disk, type DiskFile, type OpenMode, UpdateError } from "../core/mod.ts";

/**
 * `disk`, with the failures of a slot told in a slot's terms. Whatever it does not recognize passes
 * as it is.
 *
 * @param where For messages: "slot B (/dev/vda3)".
 */
export function slotDisk(disk: Disk, where: string): Disk {
  const explain = (error: unknown) => slotError(where, error);
  const tell = <T>(work: Promise<T>) =>
    work.catch((error: unknown) => Promise.reject(explain(error)));
  return {
    open: async (path: string, mode: OpenMode) =>
      slotFile(await tell(disk.open(path, mode)), explain),
    size: (path) => tell(disk.size(path)),
    list: (path) => tell(disk.list(path)),
    rename: (from, to) => tell(disk.rename(from, to)),
    remove: (path) => tell(disk.remove(path)),
    makeDirectory: (path) => tell(disk.makeDirectory(path)),
    syncDirectory: (path) => tell(disk.syncDirectory(path)),
    free: (path) => tell(disk.free(path)),
  };
}

function slotFile(file: DiskFile, explain: (error: unknown) => unknown): DiskFile {
  const tell = <T>(work: () => T): T => {
    try {
      return work();
    } catch (error) {
      throw explain(error);
    }
  };
  return {
    read: (into) => tell(() => file.read(into)),
    write: (bytes) => tell(() => file.write(bytes)),
    seek: (offset) => tell(() => file.seek(offset)),
    size: () => tell(() => file.size()),
    truncate: (length) => tell(() => file.truncate(length)),
    sync: () => file.sync().catch((error: unknown) => Promise.reject(explain(error))),
    close: () => file.close(),
  };
}

/** What errno(3) names mean for a slot, and what to do. */
const MEANINGS: Readonly<Record<string, readonly [found: string, advice: string]>> = {
  ENOSPC: ["the slot is full", "use a smaller release, or larger slots"],
  EROFS: ["the slot is read-only", "look into the kernel's log for errors of its disk"],
  EPERM: ["the device is write-protected", "check its write protection, and run it as root"],
  EACCES: ["the device may not be opened", "check its write protection, and run it as root"],
  EBUSY: ["the device is in use", "see what uses it, and run it again"],
  EIO: ["the disk fails to read or write", "look into the kernel's log, and replace the disk"],
  EUCLEAN: ["its file system is damaged", "make a new one, or update it with an image"],
  ENXIO: ["the device is gone", "check the disk and its cable"],
  ENODEV: ["the device is gone", "check the disk and its cable"],
  ENOMEDIUM: ["the device is gone", "check the disk and its cable"],
};

function slotError(where: string, error: unknown): unknown {
  const code = error instanceof Error && "code" in error ? error.code : undefined;
  const meaning = typeof code === "string" ? MEANINGS[code] : undefined;
  if (!meaning) return error;
  const [found, advice] = meaning;
  return new UpdateError("slot", {
    operation: `working on ${where}`,
    found: `${found} (${code})`,
    advice,
    cause: error,
  });
}
