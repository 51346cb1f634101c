/**
 * Stands in for `graphql-ws` in the bundle.
 *
 * The SDK needs it only for its `useGraphQL` option, whose fixed address our pages may not call;
 * leaving it out saves every desk a third of its script.
 */
export function createClient(): never {
  throw new Error('the desk does not use the GraphQL transport');
}
