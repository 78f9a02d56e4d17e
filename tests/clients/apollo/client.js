/** Apollo Client for Ordergraph: persisted queries over HTTP, subscriptions over graphql-transport-ws. */

import { createHash } from "node:crypto";

import { ApolloClient, ApolloLink, HttpLink, InMemoryCache } from "@apollo/client";
import { PersistedQueryLink } from "@apollo/client/link/persisted-queries";
import { GraphQLWsLink } from "@apollo/client/link/subscriptions";
import { getMainDefinition, relayStylePagination } from "@apollo/client/utilities";
import { createClient } from "graphql-ws";
import WebSocket from "ws";

export const sha256 = (text) => createHash("sha256").update(text).digest("hex");

export function connect(url, token, { fetch = globalThis.fetch, persisted = false } = {}) {
  const http = new HttpLink({ uri: url, headers: { Authorization: `Bearer ${token}` }, fetch });
  const socket = new GraphQLWsLink(
    createClient({
      url: url.replace(/^http/, "ws"),
      connectionParams: { Authorization: `Bearer ${token}` },
      webSocketImpl: WebSocket, // a browser, and Node.js 22, have their own
    }),
  );
  const persist = new PersistedQueryLink({ sha256 });
  return new ApolloClient({
    link: ApolloLink.split(isSubscription, socket, persisted ? ApolloLink.from([persist, http]) : http),
    cache: new InMemoryCache({
      typePolicies: {
        Query: { fields: { orders: relayStylePagination(["filter", "sort", "query"]) } },
        Viewer: { keyFields: [] }, // there is one: who asks
      },
    }),
  });
}

const isSubscription = ({ query }) => getMainDefinition(query).operation === "subscription";
