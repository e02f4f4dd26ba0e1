/** What a call costs: each contender in a process of its own, its blocks in turn with those of the raw floor. */
import { type Contender, type Cost, startContender } from "./processes.ts"
import { type Figure, figureOf } from "./statistics.ts"

export const raw = "raw"

/** The modules in `contenders`, and what they are called. */
export const contenders: Readonly<Record<string, string>> = {
  raw: "undici.request + JSON.parse",
  dispatch: "undici dispatch, own handler",
  agentalkBare: "Agentalk, bare",
  agentalk: "Agentalk",
  agentalkUntold: "Agentalk, telemetry taken out",
  agentalkTraced: "Agentalk, recording tracer",
  effectHttpClient: "Effect HttpClient",
  effectHttpApi: "Effect HttpApiClient",
  stripe: "stripe-node",
  fetch: "fetch",
  openapiFetch: "openapi-fetch",
  axios: "axios",
  hubspot: "@hubspot/api-client",
  openai: "openai-node"
}

export interface Plan {
  readonly modules: ReadonlyArray<string>
  readonly concurrency: ReadonlyArray<number>
  readonly rounds: number
  readonly warmUp: number
}

/** One contender at one concurrency. */
export interface Row {
  readonly contender: string
  readonly concurrency: number
  /** CPU over that of the raw blocks before and after. */
  readonly ratio: Figure
  /** Calls a second over those of the raw blocks before and after. */
  readonly speed: Figure
  /** CPU of a call in microseconds. */
  readonly cpu: number
  /** Calls a second. */
  readonly rate: number
  /** The most resident memory of the process, in MB. */
  readonly memory: number
}

const callsAt = (concurrency: number): number => (concurrency === 1 ? 600 : 2000)

/** Long enough for all code to be compiled, at every concurrency that is measured. */
const warmUp = async (contender: Contender, { concurrency, warmUp }: Plan) => {
  await contender.run({ calls: warmUp, concurrency: 32 })
  for (const each of concurrency) await contender.run({ calls: callsAt(each), concurrency: each })
}

const mean = (a: number, b: number): number => (a + b) / 2

/** Minutes that a plan takes on two cores, about. */
export const minutesOf = ({ concurrency, modules, rounds, warmUp }: Plan): number => {
  const blocks = concurrency.reduce((total, each) => total + (each === 1 ? 0.7 : 1.1), 0)
  return (modules.length * (warmUp / 5000 + rounds * blocks)) / 60
}

export const measureCalls = async (
  plan: Plan,
  urlOf: (module: string) => string,
  say: (text: string) => void
): Promise<ReadonlyArray<Row>> => {
  const running = new Map<string, Contender>()
  try {
    for (const module of [raw, ...plan.modules]) {
      if (running.has(module)) continue
      say(`Warming up ${contenders[module] ?? module}`)
      const contender = await startContender(module, urlOf(module))
      running.set(module, contender)
      await warmUp(contender, plan)
    }
    const floor = running.get(raw) as Contender
    const rivals = [...running].filter(([module]) => module !== raw)
    const costs = new Map<string, Array<Cost & { readonly ratio: number; readonly speed: number }>>()
    const keep = (module: string, concurrency: number, cost: Cost, beside: Cost, after: Cost) => {
      const key = `${module} ${concurrency}`
      const ratio = cost.cpu / mean(beside.cpu, after.cpu)
      const speed = cost.rate / mean(beside.rate, after.rate)
      costs.set(key, [...(costs.get(key) ?? []), { ...cost, ratio, speed }])
    }
    for (let round = 1; round <= plan.rounds; round++) {
      say(`Round ${round} of ${plan.rounds}`)
      for (const concurrency of plan.concurrency) {
        const order = { calls: callsAt(concurrency), concurrency }
        let before = await floor.run(order)
        for (const [module, contender] of rivals) {
          const cost = await contender.run(order)
          const after = await floor.run(order)
          keep(module, concurrency, cost, before, after)
          // The raw blocks over one another tell how noisy the machine was.
          keep(raw, concurrency, after, before, before)
          before = after
        }
      }
    }
    return plan.concurrency.flatMap((concurrency) =>
      [...running.keys()].map((contender): Row => {
        const own = costs.get(`${contender} ${concurrency}`) ?? []
        return {
          contender,
          concurrency,
          ratio: figureOf(own.map(({ ratio }) => ratio)),
          speed: figureOf(own.map(({ speed }) => speed)),
          cpu: figureOf(own.map(({ cpu }) => cpu)).median,
          rate: figureOf(own.map(({ rate }) => rate)).median,
          memory: Math.round(Math.max(...own.map(({ memory }) => memory)))
        }
      })
    )
  } finally {
    for (const { stop } of running.values()) stop()
  }
}
