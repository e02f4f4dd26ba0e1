/** The request and response of every contender: about 300 bytes of JSON in the request and 330 in the response. */
import type { UpsertInput } from "@agentalk/core/Contact"

export const id = "0b7e7a6e-3c1d-4e0e-9a53-0d6f2f0f5a11"

export const token = "6f9619ff-8b86-4d01-b42d-00cf4fc964ff.benchmark-secret-0123456789abcdef"

const fields = { city: "Lisbon", company: "Example Industries", plan: "enterprise", source: "spring campaign" }

export const input = {
  phone: "+15551234567",
  firstName: "Jane",
  lastName: "Doe",
  email: "jane.doe@example.com",
  tags: ["vip", "newsletter", "early-access"],
  fields: { ...fields, note: "met at the conference, asked for a call back" }
} satisfies UpsertInput

export const body = JSON.stringify(input)

export const headers = {
  "content-type": "application/json",
  accept: "application/json",
  authorization: `Bearer ${token}`
}

export interface ResponseBody {
  readonly contact: { readonly id: string }
  readonly isNew: boolean
}

/** The response body of the Contacts API. */
export const responseBody = JSON.stringify({
  contact: { id, ...input, createdAt: "2026-11-23T10:00:00Z" },
  isNew: false
})

const hubspotProperties = { firstname: "Jane", lastname: "Doe", email: "jane.doe@example.com", phone: "+15551234567" }

/** The same data as a HubSpot contact. */
export const hubspotInput = {
  properties: { ...hubspotProperties, ...fields, tags: "vip;newsletter;early-access" },
  associations: []
}

export const hubspotResponseBody = JSON.stringify({
  id,
  properties: hubspotInput.properties,
  createdAt: "2026-11-23T10:00:00Z",
  updatedAt: "2026-11-23T10:00:00Z",
  archived: false
})

/** The same data as a Stripe customer. */
export const stripeInput = {
  name: "Jane Doe",
  email: "jane.doe@example.com",
  phone: "+15551234567",
  metadata: { ...fields, tags: "vip;newsletter;early-access" }
}

export const stripeResponseBody = JSON.stringify({
  id,
  object: "customer",
  created: 1_795_428_000,
  livemode: false,
  ...stripeInput
})

/** A unique contact of a search result, about 280 bytes. */
export const found = (n: number) => ({
  id: `00000000-0000-4000-8000-${String(n).padStart(12, "0")}`,
  phone: `+1555${String(n).padStart(7, "0")}`,
  firstName: "Jane",
  lastName: `Doe ${n}`,
  email: `jane.doe.${n}@example.com`,
  tags: ["vip", "newsletter"],
  fields: { city: "Lisbon", plan: "enterprise", score: n % 100 },
  createdAt: "2026-11-23T10:00:00Z",
  updatedAt: "2026-11-23T10:00:00Z"
})

export const pageOf = (offset: number, length: number, total: number): string =>
  JSON.stringify({ contacts: Array.from({ length }, (_, n) => found(offset + n)), total })
