/** What the policies with a shared store, such as Redis, have in common. */
import * as Duration from "effect/Duration"

/** The timeout of one request to a shared store. */
export const storeTimeout = Duration.millis(500)
