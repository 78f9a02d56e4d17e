/** What relay-compiler made, sent to the server as Relay's runtime sends it. */

import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { createRequire } from "node:module";

import { commitMutation, fetchQuery } from "relay-runtime";

import { check, tokens, url } from "../check.js";
import { connect } from "../made/js/relay/environment.js";

const require = createRequire(import.meta.url);
const compiled = (name) => require(`../made/js/made/relay/${name}.graphql.js`).default;

const environment = connect(url, tokens.agent);
const ask = (name, variables) => fetchQuery(environment, compiled(name), variables).toPromise();

const records = () => Object.values(environment.getStore().getSource().toJSON());
const ids = (typename) => records().filter((each) => each.__typename === typename).map(({ id }) => id);
const connection = (key) => records().find(({ __id, edges }) => edges && __id.includes(`__${key}_connection`));
const joined = (key) => connection(key).edges.__refs;
const endCursor = (key) => environment.getStore().getSource().get(connection(key).pageInfo.__ref).endCursor;

await check("a list, and its next page joined to it", async () => {
  await ask("OrderListQuery", { first: 5 });
  await ask("OrderListPaginationQuery", { first: 5, after: endCursor("OrderList_orders") });
  assert.equal(new Set(joined("OrderList_orders")).size, 10);
  assert.equal(ids("Order").length, 10);
});

await check("an object asked for again, by node", async () => {
  const [id] = ids("Order");
  const { node } = await ask("OrderRowRefetchQuery", { id });
  assert.ok(node);
});

await check("a list inside an object, paged by node", async () => {
  const [id] = ids("Customer");
  await ask("CustomerOrdersPaginationQuery", { id, first: 1 });
  assert.equal(joined("CustomerOrders_orders").length, 1);
});

await check("a mutation whose answer the store takes up", async () => {
  const [id] = ids("Order");
  const before = ids("OrderHold").length;
  const input = { id, idempotencyKey: randomUUID(), kind: "MANUAL", reason: "to be looked at" };
  const { orderHold } = await new Promise((onCompleted, onError) =>
    commitMutation(environment, { mutation: compiled("OrderRowHoldMutation"), variables: { input }, onCompleted, onError }),
  );
  assert.deepEqual(orderHold.userErrors, []);
  assert.equal(ids("OrderHold").length, before + 1);
});
