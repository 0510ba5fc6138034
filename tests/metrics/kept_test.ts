import { assert, assertEquals, assertRejects } from "@std/assert";
import { Kept } from "../../mod/metrics/mod.ts";

const LONG = 600_000;

Deno.test("a value is read once for all who ask at the same time, and again when it is too old", async () => {
  let reads = 0;
  const read = () => Promise.resolve(++reads);
  const good = new Kept({ read, goodFor: LONG, retryAfter: LONG, patience: LONG });
  assertEquals(await Promise.all([good.get(), good.get(), good.get()]), [1, 1, 1]);
  assertEquals(await good.get(), 1);

  reads = 0;
  const stale = new Kept({ read, goodFor: 0, retryAfter: 0, patience: LONG });
  assertEquals(await Promise.all([stale.get(), stale.get()]), [1, 1]);
  assertEquals(await stale.get(), 2);
});

Deno.test("a failure is remembered as long as it may be", async () => {
  let reads = 0;
  const read = () => Promise.reject(new Error(`failure ${++reads}`));
  const kept = new Kept({ read, goodFor: 0, retryAfter: LONG, patience: LONG });
  await assertRejects(() => kept.get(), Error, "failure 1");
  await assertRejects(() => kept.get(), Error, "failure 1");
  const again = new Kept({ read, goodFor: LONG, retryAfter: 0, patience: LONG });
  await assertRejects(() => again.get(), Error, "failure 2");
  await assertRejects(() => again.get(), Error, "failure 3");
});

Deno.test("who waits too long is told so, and the reading goes on for the next", async () => {
  const slow = Promise.withResolvers<string>();
  let reads = 0;
  const kept = new Kept({
    read() {
      reads++;
      return slow.promise;
    },
    goodFor: LONG,
    retryAfter: LONG,
    patience: 20,
  });
  await assertRejects(() => kept.get(), Error, "no answer within 0.02 seconds");
  await assertRejects(() => kept.get(), Error, "no answer");
  slow.resolve("there");
  assertEquals(await kept.get(), "there");
  assert(reads === 1);
});
