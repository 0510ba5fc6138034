import { assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { TestNode } from "./_test_node.ts";

Deno.test("x", async () => {
  await using node = await TestNode.create();
  const r = await node.update("doctor"); console.log(r.code, r.stdout, r.stderr);
  await node.disk; 
  const j = await node.update("doctor", "--json"); console.log(j.stdout.slice(0, 600));
});
