/** Measures the cost of a call. Each contender has its own process, and its blocks alternate with blocks of the raw floor. */
import { type Contender, type Cost, startContender } from "./processes.ts"
import { type Figure, figureOf } from "./statistics.ts"

export const raw = "raw"

/** The titles of the modules in `contenders`. */
export const contenders: Readonly<Record<string, string>> = {
  raw: "undici.request + JSON.parse",
  dispatch: "undici dispatch, own handler",
  agentalkBare: "Agentalk, bare",
  agentalk: "Agentalk",
  agentalkWithoutTelemetry: "Agentalk, telemetry taken out",
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

/** The figures of one contender at one concurrency. */
export interface Row {
  readonly contender: string
  readonly concurrency: number
  /** CPU divided by that of the raw blocks before and after. */
  readonly ratio: Figure
  /** Calls per second, divided by those of the raw blocks before and after. */
  readonly speed: Figure
  /** CPU per call in microseconds. */
  readonly cpu: number
  /** Calls per second. */
  readonly rate: number
  /** The peak resident memory of the process in MB. */
  readonly memory: number
}

const callsAt = (concurrency: number): number => (concurrency === 1 ? 600 : 2000)

/** Runs enough calls at every measured concurrency for all code to be compiled. */
const warmUp = async (contender: Contender, { concurrency, warmUp }: Plan) => {
  await contender.run({ calls: warmUp, concurrency: 32 })
  for (const each of concurrency) await contender.run({ calls: callsAt(each), concurrency: each })
}

const mean = (a: number, b: number): number => (a + b) / 2

// V8 compiles a program differently from process to process, which changes the cost of a call by up to 15 %. Fresh
// processes every few rounds keep that from favouring a contender.
const roundsPerProcess = 5

/** The approximate duration of a plan in minutes, on two cores. */
export const minutesOf = ({ concurrency, modules, rounds, warmUp }: Plan): number => {
  const blocks = concurrency.reduce((total, each) => total + (each === 1 ? 0.7 : 1.1), 0)
  return (modules.length * (Math.ceil(rounds / roundsPerProcess) * (warmUp / 5000) + rounds * blocks)) / 60
}

type Sample = Cost & { readonly ratio: number; readonly speed: number }

export const measureCalls = async (
  plan: Plan,
  urlOf: (module: string) => string,
  log: (text: string) => void
): Promise<ReadonlyArray<Row>> => {
  const modules = new Set([raw, ...plan.modules])
  const samples = new Map<string, Array<Sample>>()
  for (let first = 1; first <= plan.rounds; first += roundsPerProcess) {
    await measureRounds(first, plan, modules, samples, urlOf, log)
  }
  return plan.concurrency.flatMap((concurrency) =>
    [...modules].map((contender): Row => {
      const own = samples.get(`${contender} ${concurrency}`) ?? []
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
}

/** Measures a few rounds in processes of their own, and adds the samples. */
const measureRounds = async (
  first: number,
  plan: Plan,
  modules: ReadonlySet<string>,
  samples: Map<string, Array<Sample>>,
  urlOf: (module: string) => string,
  log: (text: string) => void
): Promise<void> => {
  const running = new Map<string, Contender>()
  try {
    for (const module of modules) {
      log(`Warming up ${contenders[module] ?? module}`)
      const contender = await startContender(module, urlOf(module))
      running.set(module, contender)
      await warmUp(contender, plan)
    }
    const floor = running.get(raw) as Contender
    const others = [...running].filter(([module]) => module !== raw)
    const record = (module: string, concurrency: number, cost: Cost, before: Cost, after: Cost) => {
      const key = `${module} ${concurrency}`
      const ratio = cost.cpu / mean(before.cpu, after.cpu)
      const speed = cost.rate / mean(before.rate, after.rate)
      samples.set(key, [...(samples.get(key) ?? []), { ...cost, ratio, speed }])
    }
    for (let round = first; round < first + roundsPerProcess && round <= plan.rounds; round++) {
      log(`Round ${round} of ${plan.rounds}`)
      for (const concurrency of plan.concurrency) {
        const block = { calls: callsAt(concurrency), concurrency }
        let before = await floor.run(block)
        for (const [module, contender] of others) {
          const cost = await contender.run(block)
          const after = await floor.run(block)
          record(module, concurrency, cost, before, after)
          // The ratio of two raw blocks shows the noise of the machine.
          record(raw, concurrency, after, before, before)
          before = after
        }
      }
    }
  } finally {
    for (const { stop } of running.values()) stop()
  }
}
