import { Stripe } from "stripe"
import { type Connect, ofPromises } from "../block.ts"
import * as Work from "../work.ts"

export const connect: Connect = (server) => {
  const { hostname, port } = new URL(server)
  const client = new Stripe("sk_test_benchmark", { host: hostname, port, protocol: "http", telemetry: false })
  return ofPromises(async () => (await client.customers.create(Work.stripeInput)).id)
}
