/** Settings of the policies that use a shared store, such as Redis. */
import * as Duration from "effect/Duration"

/** The timeout of one request to a shared store. */
export const storeTimeout = Duration.millis(500)
