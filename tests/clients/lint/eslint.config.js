/** @graphql-eslint over the schema: everything that it recommends, and Relay's rules. */

import graphql from "@graphql-eslint/eslint-plugin";

export default [
  {
    files: ["**/*.graphql"],
    languageOptions: {
      parser: graphql.parser,
      parserOptions: { graphQLConfig: { schema: "schema/schema.graphql" } },
    },
    plugins: { "@graphql-eslint": graphql },
    rules: {
      ...graphql.configs["flat/schema-recommended"].rules,
      ...graphql.configs["flat/schema-relay"].rules,
      // Plain lists are allowed: each states its maximum.
      "@graphql-eslint/relay-edge-types": ["error", { listTypeCanWrapOnlyEdgeType: false }],
      // What has an identity implements Node; money, addresses, edges and payloads have none.
      "@graphql-eslint/strict-id-in-types": "off",
      // suppressions.json lets `Pickup.pickupCode` be: on a label, that is what the code is called.
    },
  },
];
