/**
 * Checks that no export of the packages contains `any`: in parameters and results of functions, in properties, in the
 * value, error and requirements of effects, or in the decoded and encoded types of schemas. The check visits every
 * exported module, so it includes new modules. `scripts/package-check.ts` searches the text of the declarations.
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
 * The type parameters of an Effect data type. The rest of such a type belongs to Effect and is not searched. Configs,
 * references and services are effects themselves.
 */
type Parts<A> =
  A extends Effect.Effect<infer B, infer E, infer R>
    ? { value: B; error: E; requires: R }
    : A extends Layer.Layer<infer Out, infer E, infer R>
      ? { provides: Out; error: E; requires: R }
      : A extends Stream.Stream<infer B, infer E, infer R>
        ? { element: B; error: E; requires: R }
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

type NextDepth = readonly [never, 0, 1, 2, 3, 4, 5, 6]

/** The paths at which a type contains `any`, up to `D` levels deep. */
type PathsOfAny<A, P extends string = "", D extends number = 6> =
  IsAny<A> extends true
    ? `${P}: any`
    : [D] extends [never]
      ? never
      : A extends Primitive
        ? never
        : | (A extends abstract new (...args: infer I) => infer O
              ? PathsOfAny<I, `${P} new`, NextDepth[D]> | PathsOfAny<O, `${P}{}`, NextDepth[D]>
              : never)
          | (A extends (...args: infer I) => infer O
              ? PathsOfAny<I, `${P}(…)`, NextDepth[D]> | PathsOfAny<O, `${P}()`, NextDepth[D]>
              : never)
          | (IsEffects<A> extends true
              ? Members<Parts<A>, P, D>
              : A extends ReadonlyArray<infer I>
                ? PathsOfAny<I, `${P}[]`, NextDepth[D]>
                : Members<A, P, D>)

// Node adds these to every error class.
type Inherited = "captureStackTrace" | "prepareStackTrace"

type Keys<A> = Exclude<keyof A & (string | number), Inherited>

type Members<A, P extends string, D extends number> = A extends object
  ? { [K in Keys<A>]: PathsOfAny<A[K], `${P}.${K}`, NextDepth[D]> }[Keys<A>]
  : never

describe("PathsOfAny", () => {
  // oxlint-disable-next-line typescript/no-explicit-any -- the test needs an any
  type Leak = any

  it("finds any in every part of a type", () => {
    expectTypeOf<PathsOfAny<Leak>>().toEqualTypeOf<": any">()
    expectTypeOf<PathsOfAny<(a: string, b: Leak) => void>>().toEqualTypeOf<"(…)[]: any">()
    expectTypeOf<PathsOfAny<() => () => Leak>>().toEqualTypeOf<"()(): any">()
    expectTypeOf<PathsOfAny<{ readonly a?: { readonly b: ReadonlyArray<Leak> } }>>().toEqualTypeOf<".a.b[]: any">()
    expectTypeOf<PathsOfAny<new (a: Leak) => { readonly b: Leak }>>().toEqualTypeOf<" new[]: any" | "{}.b: any">()
    expectTypeOf<PathsOfAny<() => Effect.Effect<Option.Option<Leak>>>>().toEqualTypeOf<"().value.some: any">()
    expectTypeOf<PathsOfAny<Effect.Effect<string, { readonly cause: Leak }>>>().toEqualTypeOf<".error.cause: any">()
    expectTypeOf<PathsOfAny<Effect.Effect<string, never, Leak>>>().toEqualTypeOf<".requires: any">()
    expectTypeOf<PathsOfAny<Layer.Layer<string, Leak>>>().toEqualTypeOf<".error: any">()
    expectTypeOf<PathsOfAny<Stream.Stream<{ readonly a: Leak }>>>().toEqualTypeOf<".element.a: any">()
    expectTypeOf<PathsOfAny<Schema.Codec<{ readonly a: Leak }, string>>>().toEqualTypeOf<".decoded.a: any">()
    expectTypeOf<PathsOfAny<Context.Reference<Leak>>>().toEqualTypeOf<".value: any">()
    expectTypeOf<PathsOfAny<Config.Config<Leak>>>().toEqualTypeOf<".value: any">()
  })

  it("finds nothing in types without any", () => {
    expectTypeOf<PathsOfAny<unknown>>().toBeNever()
    expectTypeOf<PathsOfAny<never>>().toBeNever()
    expectTypeOf<PathsOfAny<Effect.Effect<string, Error, Core.Contacts>>>().toBeNever()
    expectTypeOf<PathsOfAny<Schema.Codec<Core.Contact, unknown>>>().toBeNever()
    expectTypeOf<PathsOfAny<<A>(a: A) => A>>().toBeNever()
  })
})

describe("exports", () => {
  it("@agentalk/core exports no any", () => {
    expectTypeOf<PathsOfAny<typeof Core>>().toBeNever()
  })

  it("exports no any in @agentalk/core/unstable", () => {
    expectTypeOf<PathsOfAny<typeof CoreUnstable>>().toBeNever()
  })

  it("exports no any in @agentalk/node", () => {
    expectTypeOf<PathsOfAny<typeof Node>>().toBeNever()
  })

  it("exports no any in @agentalk/import", () => {
    expectTypeOf<PathsOfAny<typeof Importer>>().toBeNever()
  })

  it("exports no any in @agentalk/cli", () => {
    expectTypeOf<PathsOfAny<typeof Cli>>().toBeNever()
  })
})
