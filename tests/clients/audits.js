/** The audits of the GraphQL-over-HTTP specification, those marked SHOULD and MAY as well. */

import { serverAudits } from "graphql-http";

import { check, url } from "./check.js";

for (const audit of serverAudits({ url })) {
  await check(`${audit.id} ${audit.name}`, async () => {
    const result = await audit.fn();
    if (result.status !== "ok") {
      throw new Error(`${result.status}: ${result.reason}`);
    }
  });
}
