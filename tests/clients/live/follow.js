/** Events that go on: over WebSocket (graphql-ws), server-sent events (graphql-sse) and multipart HTTP (Apollo Client). */

import { ApolloClient, ApolloLink, HttpLink, InMemoryCache } from "@apollo/client";
import { SetContextLink } from "@apollo/client/link/context";
import { RetryLink } from "@apollo/client/link/retry";
import { createClient as createStreamClient } from "graphql-sse";
import { createClient as createSocketClient } from "graphql-ws";
import { tap } from "rxjs";
import WebSocket from "ws";

/** Longer each time, ten seconds at most, and not for all clients alike. */
const pause = (retries) =>
  new Promise((resolve) => setTimeout(resolve, Math.random() * Math.min(10_000, 1_000 * 2 ** retries)));

export function socketClient(url, token, options) {
  let patience;
  const client = createSocketClient({
    url: () => url().replace(/^http/, "ws"),
    connectionParams: () => ({ Authorization: `Bearer ${token()}` }), // asked anew whenever it connects
    retryAttempts: Infinity,
    retryWait: pause,
    shouldRetry: () => true, // also while nobody answers
    keepAlive: 10_000, // a ping after so long; who does not answer it is gone
    on: {
      ping: (received) => received || (patience = setTimeout(() => client.terminate(), 5_000)),
      pong: (received) => received && clearTimeout(patience),
      closed: () => clearTimeout(patience),
    },
    webSocketImpl: WebSocket, // a browser, and Node.js 22, have their own
    ...options,
  });
  return client;
}

export function streamClient(url, token, options) {
  return createStreamClient({
    url,
    headers: () => ({ Authorization: `Bearer ${token()}` }),
    retryAttempts: Infinity,
    retry: pause,
    ...options,
  });
}

const AGAIN = ["TOKEN_EXPIRED", "SUBSCRIBER_TOO_SLOW", "SERVICE_UNAVAILABLE"];

export function follow(client, query, variables, { tell, fail }) {
  const request = { query, variables };
  let stop;
  const refused = (errors) => (AGAIN.includes(errors[0]?.extensions?.code) ? begin() : fail(errors));
  const begin = () => {
    stop = client.subscribe(request, {
      next({ data, errors }) {
        if (errors) return refused(errors);
        const [event] = Object.values(data);
        request.variables = { ...request.variables, after: event.cursor }; // sent when it connects again
        tell(event);
      },
      error: refused,
      complete() {},
    });
  };
  begin();
  return () => stop();
}

const resume = new ApolloLink((operation, forward) =>
  forward(operation).pipe(
    tap(({ data }) => {
      const cursor = operation.operationType === "subscription" && Object.values(data ?? {})[0]?.cursor;
      if (cursor) operation.variables = { ...operation.variables, after: cursor };
    }),
  ),
);

export function apolloClient(url, token, delay = { max: 10_000 }) {
  const attempts = (_count, { operationType }) => operationType === "subscription";
  const authorize = new SetContextLink(() => ({ headers: { Authorization: `Bearer ${token()}` } }));
  const links = [new RetryLink({ attempts, delay }), resume, authorize, new HttpLink({ uri: url })];
  return new ApolloClient({ link: ApolloLink.from(links), cache: new InMemoryCache() });
}
