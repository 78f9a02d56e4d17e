/** A list that pages: `@connection` over a root field. */

import { graphql, useLazyLoadQuery, usePaginationFragment } from "react-relay";

import type { OrderListPaginationQuery } from "../made/relay/OrderListPaginationQuery.graphql";
import type { OrderListQuery } from "../made/relay/OrderListQuery.graphql";
import type { OrderList_query$key } from "../made/relay/OrderList_query.graphql";
import { OrderRow } from "./OrderRow";

export function OrderList() {
  const query = useLazyLoadQuery<OrderListQuery>(
    graphql`
      query OrderListQuery($first: Int!, $filter: OrderFilter) {
        ...OrderList_query @arguments(first: $first, filter: $filter)
      }
    `,
    { first: 20, filter: { onHold: true } },
  );
  return <Page query={query} />;
}

function Page({ query }: { query: OrderList_query$key }) {
  const { data, hasNext, loadNext } = usePaginationFragment<OrderListPaginationQuery, OrderList_query$key>(
    graphql`
      fragment OrderList_query on Query
      @argumentDefinitions(
        first: { type: "Int!" }
        after: { type: "String" }
        filter: { type: "OrderFilter" }
      )
      @refetchable(queryName: "OrderListPaginationQuery") {
        orders(first: $first, after: $after, filter: $filter) @connection(key: "OrderList_orders") {
          edges {
            node {
              id
              ...OrderRow_order
            }
          }
        }
      }
    `,
    query,
  );
  return (
    <ul>
      {data.orders.edges.map(({ node }) => (
        <OrderRow key={node.id} order={node} />
      ))}
      {hasNext && <button onClick={() => loadNext(20)}>More</button>}
    </ul>
  );
}
