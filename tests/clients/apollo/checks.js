import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";

import { CombinedGraphQLErrors, gql, ServerError } from "@apollo/client";

import { check, tokens, url } from "../check.js";
import { connect } from "./client.js";

const agent = connect(url, tokens.agent);
const shopper = connect(url, tokens.shopper);

const ORDERS = gql`
  query Orders($first: Int!, $after: String) {
    orders(first: $first, after: $after, sort: { by: PLACED_AT, direction: DESC }) {
      edges { cursor node { id number placedAt total { amount currency } } }
      pageInfo { hasNextPage endCursor }
    }
  }
`;

const PLACE = gql`
  mutation Place($input: OrderPlaceInput!) {
    orderPlace(input: $input) {
      order { id number status total { amount currency } }
      guestAccess { accessToken }
      userErrors { code message field ... on InsufficientStock { sku requested sellable } }
    }
  }
`;

const LIVE = gql`
  subscription Live($orderId: ID!, $after: String) {
    orderEvents(orderId: $orderId, after: $after) { cursor type order { id status holds { id } } }
  }
`;

const HOLD = gql`
  mutation Hold($id: ID!, $key: String!) {
    orderHold(input: { id: $id, idempotencyKey: $key, kind: CUSTOMER, reason: "is away" }) {
      order { id onHold holds { id } }
      userErrors { code message field }
    }
  }
`;

const numbers = (data) => data.orders.edges.map(({ node }) => node.number);

const wish = (quantity) => ({
  idempotencyKey: randomUUID(),
  channel: "web",
  lines: [{ sku: "SKU-1", quantity }],
  customer: { email: "you@example.com" },
  shippingAddress: { line1: "Rua do Sol 1", city: "São Paulo", country: "BR" },
  paymentMethod: { provider: "test", token: "tok_visa" },
});

async function place(quantity, input = wish(quantity)) {
  const { data } = await shopper.mutate({ mutation: PLACE, variables: { input } });
  return data.orderPlace;
}

async function newest() {
  const query = gql`query Newest { events(last: 1) { edges { cursor } } }`;
  const { data } = await agent.query({ query, fetchPolicy: "no-cache" });
  return data.events.edges[0].cursor;
}

const hold = (id) => agent.mutate({ mutation: HOLD, variables: { id, key: randomUUID() } });

await check("a query with variables", async () => {
  const { data } = await agent.query({ query: ORDERS, variables: { first: 3 } });
  assert.equal(data.orders.edges.length, 3);
  const [{ node }] = data.orders.edges;
  const again = await agent.query({
    query: gql`query Order($id: ID!) { order(id: $id) { id number } }`,
    variables: { id: node.id },
  });
  assert.deepEqual(again.data.order, { __typename: "Order", id: node.id, number: node.number });
});

await check("pagination, two pages joined by relayStylePagination", async () => {
  const client = connect(url, tokens.agent);
  const orders = client.watchQuery({ query: ORDERS, variables: { first: 5 } });
  const joined = await new Promise((resolve) => {
    orders.subscribe(({ data, loading }) => {
      if (loading) return;
      const { edges, pageInfo } = data.orders;
      if (edges.length < 10) orders.fetchMore({ variables: { after: pageInfo.endCursor } });
      else resolve(data);
    });
  });
  const whole = await client.query({ query: ORDERS, variables: { first: 10 }, fetchPolicy: "no-cache" });
  assert.equal(new Set(numbers(joined)).size, 10);
  assert.deepEqual(numbers(joined), numbers(whole.data));
});

await check("a mutation, sent twice with one idempotencyKey, is done once", async () => {
  const input = wish(1);
  const [first, second] = [await place(1, input), await place(1, input)];
  assert.deepEqual(first.userErrors, []);
  assert.equal(first.order.id, second.order.id);
});

await check("a refusal is data", async () => {
  const { order, userErrors } = await place(100_000);
  assert.equal(order, null);
  const [{ code, sku, requested, sellable, field }] = userErrors;
  assert.deepEqual([code, sku, requested, field], ["INSUFFICIENT_STOCK", "SKU-1", 100_000, ["lines"]]);
  assert.ok(sellable < requested);
});

await check("a faulty document is an error with a code", async () => {
  const wrong = agent.query({ query: gql`query Wrong { orders { nonsense } }` });
  const error = await wrong.then(() => assert.fail("it was answered"), (error) => error);
  assert.ok(CombinedGraphQLErrors.is(error), String(error));
  assert.equal(error.errors[0].extensions.code, "GRAPHQL_VALIDATION_FAILED");
});

await check("a faulty variable is an error with a code", async () => {
  const wrong = agent.query({ query: ORDERS, variables: { first: "ten" }, fetchPolicy: "no-cache" });
  const error = await wrong.then(() => assert.fail("it was answered"), (error) => error);
  assert.ok(CombinedGraphQLErrors.is(error), String(error));
  assert.equal(error.errors[0].extensions.code, "BAD_USER_INPUT");
});

await check("a token that is not ours is an error with a code", async () => {
  const stranger = connect(url, "not.a.token");
  const error = await stranger
    .query({ query: ORDERS, variables: { first: 1 } })
    .then(() => assert.fail("it was answered"), (error) => error);
  const [{ extensions }] = CombinedGraphQLErrors.is(error) ? error.errors : JSON.parse(error.bodyText).errors;
  assert.ok(CombinedGraphQLErrors.is(error) || ServerError.is(error), String(error));
  assert.equal(extensions.code, "UNAUTHENTICATED");
});

await check("automatic persisted queries: the text is sent once, then its hash", async () => {
  const sent = [];
  const fetch = (url, options) => {
    sent.push(JSON.parse(options.body));
    return globalThis.fetch(url, options);
  };
  const client = connect(url, tokens.agent, { fetch, persisted: true });
  const ask = (first) => client.query({ query: ORDERS, variables: { first }, fetchPolicy: "no-cache" });
  const before = await ask(2);
  const after = await ask(2);
  assert.deepEqual(after.data, before.data);
  assert.deepEqual(sent.map(({ query }) => query !== undefined), [false, true, false]);
});

await check("a subscription over graphql-transport-ws: what was missed, then what happens", async () => {
  const after = await newest();
  const { order } = await place(1);
  const events = [];
  await new Promise((resolve, reject) => {
    agent.subscribe({ query: LIVE, variables: { orderId: order.id, after } }).subscribe({
      next: ({ data, error }) => {
        if (error) return reject(error);
        events.push(data.orderEvents);
        if (events.length === 1) hold(order.id).catch(reject);
        if (data.orderEvents.type === "ORDER_HELD") resolve();
      },
      error: reject,
    });
  });
  assert.equal(events[0].type, "ORDER_PLACED");
  assert.equal(events.at(-1).order.holds.length, 1);
  assert.equal(new Set(events.map(({ cursor }) => cursor)).size, events.length);
});

process.exit(); // the sockets would stay open
