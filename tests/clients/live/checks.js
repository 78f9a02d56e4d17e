import assert from "node:assert/strict";
import { createHmac, randomUUID } from "node:crypto";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { connect, createServer } from "node:net";

import { CombinedGraphQLErrors, gql } from "@apollo/client";

import { check, tokens, url } from "../check.js";
import { apolloClient, follow, socketClient, streamClient } from "./follow.js";

const SECONDS = 20;
const agent = () => tokens.agent;
const here = () => url;
const quickly = () => new Promise((resolve) => setTimeout(resolve, 50));

const LIVE = `
  subscription Live($orderId: ID!, $after: String) {
    orderEvents(orderId: $orderId, after: $after) { id cursor type order { id status } }
  }
`;

const PLACE = `
  mutation Place($key: String!) {
    orderPlace(input: {
      idempotencyKey: $key, channel: "web", lines: [{ sku: "SKU-1", quantity: 1 }],
      customer: { email: "you@example.com" }, paymentMethod: { provider: "test", token: "tok_visa" },
      shippingAddress: { line1: "Rua do Sol 1", city: "São Paulo", country: "BR" }
    }) { order { id } userErrors { message } }
  }
`;

const HOLD = `
  mutation Hold($id: ID!, $key: String!) {
    orderHold(input: { id: $id, idempotencyKey: $key, kind: MANUAL, reason: "to see" }) { userErrors { message } }
  }
`;

const LOG = "query Log($orderId: ID!) { events(first: 100, filter: { orderId: $orderId }) { nodes { id } } }";

async function ask(query, variables = {}, token = tokens.agent) {
  const answer = await fetch(url, {
    method: "POST",
    headers: { "Content-Type": "application/json", Authorization: `Bearer ${token}` },
    body: JSON.stringify({ query, variables }),
  });
  const { data, errors } = await answer.json();
  assert.equal(errors, undefined, JSON.stringify(errors));
  return data;
}

/** A new order, and the cursor of the last event before it. */
async function place() {
  const { events } = await ask("{ events(last: 1) { edges { cursor } } }");
  const { orderPlace } = await ask(PLACE, { key: randomUUID() }, tokens.shopper);
  assert.deepEqual(orderPlace.userErrors, []);
  return { orderId: orderPlace.order.id, after: events.edges[0].cursor };
}

async function hold({ orderId }) {
  const { orderHold } = await ask(HOLD, { id: orderId, key: randomUUID() });
  assert.deepEqual(orderHold.userErrors, []);
}

/** What is told, and a way to wait until it is enough. */
function listener() {
  const told = [];
  let reached = () => {};
  let failed = () => {};
  return {
    told,
    tell: (event) => (told.push(event), reached()),
    fail: (error) => failed(error),
    until: (enough) =>
      new Promise((resolve, reject) => {
        const late = setTimeout(() => reject(new Error(`only ${JSON.stringify(told)}`)), SECONDS * 1000);
        failed = (error) => reject(error instanceof Error ? error : new Error(JSON.stringify(error)));
        reached = () => enough(told) && (clearTimeout(late), resolve());
        reached();
      }),
  };
}

const holds = (events) => events.filter(({ type }) => type === "ORDER_HELD").length;

/** Each event once and in order, as the log has them. */
async function whole({ orderId }, { told }) {
  const { events } = await ask(LOG, { orderId });
  const log = events.nodes.map(({ id }) => id);
  assert.deepEqual(told.map(({ id }) => id), log.slice(0, told.length));
}

/** All answers to an operation; rejects as the client fails. */
const answers = (client, request) =>
  new Promise((resolve, reject) => {
    const got = [];
    client.subscribe(request, { next: (answer) => got.push(answer), error: reject, complete: () => resolve(got) });
  });

/** The same token with another end, signed as the server signs: nobody wants to wait for thirty days. */
function ending(token, seconds) {
  const [head, claims] = token.split(".");
  const { iat, ...rest } = JSON.parse(Buffer.from(claims, "base64url"));
  const body = Buffer.from(JSON.stringify({ ...rest, iat, exp: Math.ceil(Date.now() / 1000) + seconds }));
  const signed = `${head}.${body.toString("base64url")}`;
  const secret = readFileSync(`${process.env.ORDERGRAPH_HOME}/secret`, "utf8").trim();
  return `${signed}.${createHmac("sha256", secret).update(signed).digest("base64url")}`;
}

/** First one value, then the other for good. */
const firstThen = (first, then) => {
  const values = [first];
  return () => values.pop() ?? then;
};

/** Follows by an Apollo client as `follow` does by the others. */
function followByApollo(client, variables, { tell, fail }) {
  const events = client.subscribe({ query: gql(LIVE), variables });
  const following = events.subscribe({
    next: ({ data, error }) => (error ? fail(error) : tell(data.orderEvents)),
    error: fail,
  });
  return () => following.unsubscribe();
}

const KINDS = {
  "graphql-ws": (where, token) => {
    const client = socketClient(where, token, { retryWait: quickly });
    return (variables, heard) => follow(client, LIVE, variables, heard);
  },
  "graphql-sse": (where, token) => {
    const client = streamClient(where, token, { retry: quickly });
    return (variables, heard) => follow(client, LIVE, variables, heard);
  },
  "Apollo multipart": (where, token) => {
    const client = apolloClient(where, token, { initial: 50, max: 50 });
    return (variables, heard) => followByApollo(client, variables, heard);
  },
};

// -- what all of them can ----------------------------------------------------------------------------------------------

for (const [kind, connected] of Object.entries(KINDS)) {
  await check(`${kind}: what was missed, then what happens, then no more`, async () => {
    const [order, heard] = [await place(), listener()];
    const stop = connected(here, agent)(order, heard);
    await heard.until((told) => told.length > 0);
    await hold(order);
    await heard.until((told) => holds(told) === 1);
    stop();
    const count = heard.told.length;
    await hold(order);
    const [other, again] = [await place(), listener()];
    connected(here, agent)(other, again);
    await again.until((told) => told.length > 0);
    assert.equal(heard.told.length, count);
    await whole(order, heard);
  });

  await check(`${kind}: many at once, and one that fails among them`, async () => {
    const follows = connected(here, agent);
    const orders = await Promise.all(Array.from({ length: 5 }, place));
    const heard = orders.map((order) => {
      const each = listener();
      follows(order, each);
      return each;
    });
    const refused = await new Promise((fail) => follows({ orderId: "ord_nobody" }, { tell: assert.fail, fail }));
    const errors = CombinedGraphQLErrors.is(refused) ? refused.errors : refused;
    assert.equal(errors[0].extensions.code, "NOT_FOUND");
    await Promise.all(orders.map(hold));
    await Promise.all(heard.map((each) => each.until((told) => holds(told) === 1)));
    await Promise.all(orders.map((order, number) => whole(order, heard[number])));
  });

  await check(`${kind}: a token that ends is followed by a fresh one, and nothing is missed`, async () => {
    const [order, heard] = [await place(), listener()];
    const asked = [];
    const next = firstThen(ending(tokens.agent, 1), tokens.agent);
    const token = () => (asked.push(next()), asked.at(-1));
    connected(here, token)(order, heard);
    await heard.until((told) => told.length > 0);
    while (asked.length < 2) await quickly();
    await hold(order);
    await heard.until((told) => holds(told) === 1);
    await whole(order, heard);
  });
}

// -- what each has of its own ------------------------------------------------------------------------------------------

await check("graphql-ws: a query is one answer", async () => {
  const [answer] = await answers(socketClient(here, agent), { query: "{ viewer { role } }" });
  assert.deepEqual(answer.data, { viewer: { role: "AGENT" } });
});

await check("graphql-ws: a token that is refused closes with 4403, and a better one may follow", async () => {
  const closed = [];
  const options = { retryWait: quickly, on: { closed: ({ code }) => closed.push(code) } };
  const client = socketClient(here, firstThen("not.a.token", tokens.agent), options);
  const [answer] = await answers(client, { query: "{ viewer { role } }" });
  assert.deepEqual([answer.data.viewer.role, closed[0]], ["AGENT", 4403]);
});

await check("graphql-ws: pings are answered", async () => {
  const heard = listener();
  const on = { pong: (received, payload) => heard.tell({ received, payload }) };
  const client = socketClient(here, agent, { keepAlive: 20, lazy: false, on });
  await heard.until((told) => told.length === 3);
  assert.deepEqual(heard.told[0], { received: true, payload: undefined });
  await client.dispose();
});

await check("graphql-ws: a ping's payload comes back", async () => {
  const heard = listener();
  const on = {
    connected: (socket) => socket.send(JSON.stringify({ type: "ping", payload: { at: 5 } })),
    pong: (_received, payload) => heard.tell(payload),
  };
  const client = socketClient(here, agent, { lazy: false, on });
  await heard.until((told) => told.length === 1);
  assert.deepEqual(heard.told, [{ at: 5 }]);
  await client.dispose();
});

await check("graphql-ws: a line on which nothing is heard any more is given up, and nothing is missed", async () => {
  const [order, heard] = [await place(), listener()];
  const pipes = [];
  const between = createServer((socket) => {
    const { hostname, port } = new URL(url);
    const further = connect(port, hostname);
    pipes.push([socket.on("error", () => {}), further.on("error", () => {})]);
    socket.pipe(further).pipe(socket);
  });
  between.listen(0, "127.0.0.1");
  await once(between, "listening");
  const where = () => `http://127.0.0.1:${between.address().port}/graphql`;
  let patience;
  const client = socketClient(where, agent, {
    keepAlive: 20,
    retryWait: quickly,
    on: {
      ping: (received) => received || (patience = setTimeout(() => client.terminate(), 500)),
      pong: (received) => received && clearTimeout(patience),
      closed: () => clearTimeout(patience),
    },
  });
  follow(client, LIVE, order, heard);
  await heard.until((told) => told.length > 0);
  for (const [socket, further] of pipes) {
    socket.unpipe(further);
    further.unpipe(socket);
  }
  await hold(order);
  await heard.until((told) => holds(told) === 1);
  await whole(order, heard);
  assert.equal(pipes.length, 2);
});

await check("graphql-sse: a query is one answer", async () => {
  const [answer] = await answers(streamClient(here, agent), { query: "{ viewer { role } }" });
  assert.deepEqual(answer.data, { viewer: { role: "AGENT" } });
});

await check("graphql-sse: a token that is refused is a 401", async () => {
  const client = streamClient(here, () => "not.a.token", { retryAttempts: 0 });
  const refused = await answers(client, { query: "{ viewer { role } }" }).then(assert.fail, (error) => error);
  assert.equal(refused.response?.status, 401, String(refused));
});

await check("Apollo multipart: a token that is refused is an error with a code", async () => {
  const refused = await new Promise((fail) => {
    followByApollo(apolloClient(here, () => "not.a.token"), { orderId: "x" }, { tell: assert.fail, fail });
  });
  assert.equal(refused.errors?.[0].extensions.code, "UNAUTHENTICATED", String(refused));
});

// -- a server that ends ------------------------------------------------------------------------------------------------

await check("a server that ends: all of them go on with another, and nothing is missed", async () => {
  const follows = await Promise.all(
    Object.values(KINDS).map(async (connected) => {
      const [order, heard] = [await place(), listener()];
      connected(firstThen(process.env.SECOND_URL, url), agent)(order, heard);
      await heard.until((told) => told.length > 0);
      return { order, heard };
    }),
  );
  await Promise.all(follows.map(({ order }) => hold(order)));
  process.kill(Number(process.env.SECOND_PID), "SIGTERM");
  await Promise.all(follows.map(({ order }) => hold(order)));
  await Promise.all(follows.map(({ heard }) => heard.until((told) => holds(told) === 2)));
  await Promise.all(follows.map(({ order }) => hold(order)));
  await Promise.all(follows.map(({ heard }) => heard.until((told) => holds(told) === 3)));
  await Promise.all(follows.map(({ order, heard }) => whole(order, heard)));
});

process.exit(); // lines would stay open
