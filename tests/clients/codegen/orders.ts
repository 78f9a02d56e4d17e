/** What codegen made, used with Apollo Client: the variables and the answer have the schema's types. */

import type { ApolloClient } from "@apollo/client";

import {
  OrderStatusByIdDocument,
  PlaceOrderDocument,
  type OrderStatus,
  type PlaceOrderMutationVariables,
} from "../made/codegen/operations";

export async function statusOf(client: ApolloClient, id: string): Promise<OrderStatus | undefined> {
  const { data } = await client.query({ query: OrderStatusByIdDocument, variables: { id } });
  return data?.order?.status;
}

export async function place(client: ApolloClient, variables: PlaceOrderMutationVariables): Promise<string> {
  const { data } = await client.mutate({ mutation: PlaceOrderDocument, variables });
  const { order, userErrors } = data!.orderPlace!;
  const [refusal] = userErrors;
  if (refusal && "sellable" in refusal) return `only ${refusal.sellable} of ${refusal.sku}`;
  return order?.number ?? refusal!.message;
}

// Types that would allow anything check nothing:
// @ts-expect-error an id is text
export const wrong = (client: ApolloClient) => client.query({ query: OrderStatusByIdDocument, variables: { id: [] } });
