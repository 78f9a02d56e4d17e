/** An object that is asked for again by its id: `@refetchable` goes through `node`. */

import { graphql, useMutation, useRefetchableFragment } from "react-relay";

import type { OrderRowHoldMutation } from "../made/relay/OrderRowHoldMutation.graphql";
import type { OrderRowRefetchQuery } from "../made/relay/OrderRowRefetchQuery.graphql";
import type { OrderRow_order$key } from "../made/relay/OrderRow_order.graphql";

export function OrderRow({ order }: { order: OrderRow_order$key }) {
  const [data, refetch] = useRefetchableFragment<OrderRowRefetchQuery, OrderRow_order$key>(
    graphql`
      fragment OrderRow_order on Order @refetchable(queryName: "OrderRowRefetchQuery") {
        id
        number
        status
        total { amount currency }
        customer { displayName }
        holds { id kind reason }
        availableActions
      }
    `,
    order,
  );
  const [hold] = useMutation<OrderRowHoldMutation>(graphql`
    mutation OrderRowHoldMutation($input: OrderHoldInput!) {
      orderHold(input: $input) {
        order { ...OrderRow_order }
        userErrors { code message field }
      }
    }
  `);
  const put = () => {
    const input = { id: data.id, idempotencyKey: crypto.randomUUID(), kind: "MANUAL", reason: "to be looked at" } as const;
    hold({ variables: { input } });
  };
  return (
    <li>
      {data.number} {data.customer?.displayName} {data.total.amount} {data.total.currency}
      <button onClick={() => refetch({})}>Again</button>
      {data.availableActions.includes("HOLD") && <button onClick={put}>Hold</button>}
    </li>
  );
}
