import type { Dispatcher } from "undici"
import { type Connect, ofPromises } from "../block.ts"
import * as Work from "../work.ts"
import { makePool } from "./raw.ts"

class Handler implements Dispatcher.DispatchHandler {
  private readonly resolve: (id: string) => void
  private readonly reject: (error: unknown) => void
  private status = 0
  private text = ""

  constructor(resolve: (id: string) => void, reject: (error: unknown) => void) {
    this.resolve = resolve
    this.reject = reject
  }

  onRequestStart(): void {}

  onResponseStart(_: unknown, status: number): void {
    this.status = status
  }

  onResponseData(_: unknown, chunk: Buffer): void {
    this.text += chunk.toString()
  }

  onResponseEnd(): void {
    if (this.status !== 200) return this.reject(new Error(this.text))
    this.resolve((JSON.parse(this.text) as Work.ResponseBody).contact.id)
  }

  onResponseError(_: unknown, error: unknown): void {
    this.reject(error)
  }
}

/** The minimum: undici's dispatcher without the `request` function of the raw contender. */
export const connect: Connect = (server) => {
  const dispatcher = makePool()
  return ofPromises(
    () =>
      new Promise((resolve, reject) => {
        dispatcher.dispatch(
          {
            origin: server,
            path: "/api/contacts/",
            method: "POST",
            headers: Work.headers,
            body: JSON.stringify(Work.input)
          },
          new Handler(resolve, reject)
        )
      })
  )
}
