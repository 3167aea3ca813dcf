import { GraphQLDateTime, GraphQLJSONObject, GraphQLSafeInt } from 'graphql-scalars';

/** An instant, as RFC 3339 text in UTC; a JavaScript `Date` inside. */
export const DateTime = GraphQLDateTime;

/** Any JSON object. */
export const JSONObject = GraphQLJSONObject;

/** A whole number that JavaScript can hold exactly: up to 2^53 - 1. Money, sizes and counters that outgrow `Int`. */
export const SafeInt = GraphQLSafeInt;
