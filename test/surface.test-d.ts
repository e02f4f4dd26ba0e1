/**
 * No export of the packages is `any`, nor holds one where a user meets it: in what a function takes and gives, in a
 * property, in a value, an error or a requirement of an effect, in what a schema decodes and encodes. Every module
 * that is exported is walked, so that a new one is as well; what a type is written as is searched by
 * `scripts/package-check.ts`.
 */
import type * as Cli from "@agentalk/cli"
import type * as Core from "@agentalk/core"
import type * as Importer from "@agentalk/import"
import type * as CoreUnstable from "@agentalk/core/unstable"
import type * as Node from "@agentalk/node"
import type { Context, Config, Effect, Layer, Option, Redacted, Result, Schema, Stream } from "effect"
import { describe, expectTypeOf, it } from "vitest"

type IsAny<A> = 0 extends 1 & A ? true : false

type Primitive = string | number | bigint | boolean | symbol | null | undefined | void

/**
 * The parts of a type of Effect that we fill in; a config, a reference and a service are effects themselves. What else
 * it consists of is Effect's own.
 */
type Parts<A> =
  A extends Effect.Effect<infer B, infer E, infer R>
    ? { value: B; error: E; needs: R }
    : A extends Layer.Layer<infer Out, infer E, infer R>
      ? { gives: Out; error: E; needs: R }
      : A extends Stream.Stream<infer B, infer E, infer R>
        ? { element: B; error: E; needs: R }
        : A extends Schema.Codec<infer T, infer E, infer RD, infer RE>
          ? { decoded: T; encoded: E; decoding: RD; encoding: RE }
          : A extends Option.Option<infer T>
            ? { some: T }
            : A extends Result.Result<infer T, infer E>
              ? { success: T; failure: E }
              : A extends Redacted.Redacted<infer T>
                ? { redacted: T }
                : never

type IsEffects<A> = Extract<keyof A, `~effect/${string}`> extends never ? false : true

type Tick = readonly [never, 0, 1, 2, 3, 4, 5, 6]

/** The paths at which a type holds `any`, `D` levels deep. */
type Anys<A, P extends string = "", D extends number = 6> =
  IsAny<A> extends true
    ? `${P}: any`
    : [D] extends [never]
      ? never
      : A extends Primitive
        ? never
        : | (A extends abstract new (...args: infer I) => infer O
              ? Anys<I, `${P} new`, Tick[D]> | Anys<O, `${P}{}`, Tick[D]>
              : never)
          | (A extends (...args: infer I) => infer O ? Anys<I, `${P}(…)`, Tick[D]> | Anys<O, `${P}()`, Tick[D]> : never)
          | (IsEffects<A> extends true
              ? Members<Parts<A>, P, D>
              : A extends ReadonlyArray<infer I>
                ? Anys<I, `${P}[]`, Tick[D]>
                : Members<A, P, D>)

// What Node gives to every class of errors.
type Inherited = "captureStackTrace" | "prepareStackTrace"

type Keys<A> = Exclude<keyof A & (string | number), Inherited>

type Members<A, P extends string, D extends number> = A extends object
  ? { [K in Keys<A>]: Anys<A[K], `${P}.${K}`, Tick[D]> }[Keys<A>]
  : never

describe("the search for any", () => {
  // oxlint-disable-next-line typescript/no-explicit-any -- what the test is about
  type Leak = any

  it("finds it wherever a user would meet it", () => {
    expectTypeOf<Anys<Leak>>().toEqualTypeOf<": any">()
    expectTypeOf<Anys<(a: string, b: Leak) => void>>().toEqualTypeOf<"(…)[]: any">()
    expectTypeOf<Anys<() => () => Leak>>().toEqualTypeOf<"()(): any">()
    expectTypeOf<Anys<{ readonly a?: { readonly b: ReadonlyArray<Leak> } }>>().toEqualTypeOf<".a.b[]: any">()
    expectTypeOf<Anys<new (a: Leak) => { readonly b: Leak }>>().toEqualTypeOf<" new[]: any" | "{}.b: any">()
    expectTypeOf<Anys<() => Effect.Effect<Option.Option<Leak>>>>().toEqualTypeOf<"().value.some: any">()
    expectTypeOf<Anys<Effect.Effect<string, { readonly cause: Leak }>>>().toEqualTypeOf<".error.cause: any">()
    expectTypeOf<Anys<Effect.Effect<string, never, Leak>>>().toEqualTypeOf<".needs: any">()
    expectTypeOf<Anys<Layer.Layer<string, Leak>>>().toEqualTypeOf<".error: any">()
    expectTypeOf<Anys<Stream.Stream<{ readonly a: Leak }>>>().toEqualTypeOf<".element.a: any">()
    expectTypeOf<Anys<Schema.Codec<{ readonly a: Leak }, string>>>().toEqualTypeOf<".decoded.a: any">()
    expectTypeOf<Anys<Context.Reference<Leak>>>().toEqualTypeOf<".value: any">()
    expectTypeOf<Anys<Config.Config<Leak>>>().toEqualTypeOf<".value: any">()
  })

  it("takes nothing else for it", () => {
    expectTypeOf<Anys<unknown>>().toBeNever()
    expectTypeOf<Anys<never>>().toBeNever()
    expectTypeOf<Anys<Effect.Effect<string, Error, Core.Contacts>>>().toBeNever()
    expectTypeOf<Anys<Schema.Codec<Core.Contact, unknown>>>().toBeNever()
    expectTypeOf<Anys<<A>(a: A) => A>>().toBeNever()
  })
})

describe("no export is any", () => {
  it("of @agentalk/core", () => {
    expectTypeOf<Anys<typeof Core>>().toBeNever()
  })

  it("of @agentalk/core/unstable", () => {
    expectTypeOf<Anys<typeof CoreUnstable>>().toBeNever()
  })

  it("of @agentalk/node", () => {
    expectTypeOf<Anys<typeof Node>>().toBeNever()
  })

  it("of @agentalk/import", () => {
    expectTypeOf<Anys<typeof Importer>>().toBeNever()
  })

  it("of @agentalk/cli", () => {
    expectTypeOf<Anys<typeof Cli>>().toBeNever()
  })
})
