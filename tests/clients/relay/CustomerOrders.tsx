/** A list that pages inside an object: the next page is asked of `node`. */

import { graphql, usePaginationFragment, useSubscription } from "react-relay";

import type { CustomerOrdersLiveSubscription } from "../made/relay/CustomerOrdersLiveSubscription.graphql";
import type { CustomerOrdersPaginationQuery } from "../made/relay/CustomerOrdersPaginationQuery.graphql";
import type { CustomerOrders_customer$key } from "../made/relay/CustomerOrders_customer.graphql";

const LIVE = graphql`
  subscription CustomerOrdersLiveSubscription($orderId: ID!, $after: String) {
    orderEvents(orderId: $orderId, after: $after) {
      cursor
      type
      order { ...OrderRow_order }
    }
  }
`;

export function CustomerOrders({ customer, open }: { customer: CustomerOrders_customer$key; open: string }) {
  const { data, loadNext } = usePaginationFragment<CustomerOrdersPaginationQuery, CustomerOrders_customer$key>(
    graphql`
      fragment CustomerOrders_customer on Customer
      @argumentDefinitions(first: { type: "Int", defaultValue: 10 }, after: { type: "String" })
      @refetchable(queryName: "CustomerOrdersPaginationQuery") {
        displayName
        orders(first: $first, after: $after, sort: { by: PLACED_AT, direction: DESC })
          @connection(key: "CustomerOrders_orders") {
          edges { node { id number placedAt } }
        }
      }
    `,
    customer,
  );
  useSubscription<CustomerOrdersLiveSubscription>({ subscription: LIVE, variables: { orderId: open } });
  return (
    <section>
      <h2>{data.displayName}</h2>
      {data.orders.edges.map(({ node }) => (
        <p key={node.id}>{node.number}</p>
      ))}
      <button onClick={() => loadNext(10)}>More</button>
    </section>
  );
}
