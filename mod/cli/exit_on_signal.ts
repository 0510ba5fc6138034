/**
 * Signals that end a command.
 *
 * @module
 */

/** Them, by number: process 1 of a container dies of none by itself. */
const ENDING: Readonly<Partial<Record<Deno.Signal, number>>> = { SIGINT: 2, SIGTERM: 15 };

/** Until it is disposed of, each of them ends this process, once `cleanUp` is done. */
export function exitOnSignal(cleanUp: () => Promise<void> = () => Promise.resolve()): Disposable {
  const listeners = Object.entries(ENDING).map(([signal, number]) =>
    [signal as Deno.Signal, () => void cleanUp().finally(() => Deno.exit(128 + number))] as const
  );
  for (const [signal, end] of listeners) Deno.addSignalListener(signal, end);
  return {
    [Symbol.dispose]() {
      for (const [signal, end] of listeners) Deno.removeSignalListener(signal, end);
    },
  };
}
