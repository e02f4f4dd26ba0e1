/**
 * Where each operation goes. The contract is declared with it and the client sends by it, so that a program that only
 * calls the API does not load what serves one.
 */
export const routes = {
  upsert: { method: "POST", path: "/api/contacts" },
  search: { method: "GET", path: "/api/contacts/search" },
  delete: { method: "DELETE", path: "/api/contacts/:contact_id" },
  updateFields: { method: "PATCH", path: "/api/contacts/:contact_id/fields" },
  clearField: { method: "DELETE", path: "/api/contacts/:contact_id/fields/:field_key" },
  addTags: { method: "POST", path: "/api/contacts/:contact_id/tags" },
  removeTag: { method: "DELETE", path: "/api/contacts/:contact_id/tags/:tag_id_or_name" }
} as const
