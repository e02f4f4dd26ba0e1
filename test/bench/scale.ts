/** Measures how the cost changes with concurrency, calls under way, contacts of a search, and failures. */
import { measureCalls, raw } from "./calls.ts"
import { askOnce, startInFlight, startServer } from "./processes.ts"
import type { Figure } from "./statistics.ts"

const ours = "agentalk"

/** The cost of a search at one point. */
export interface Sample {
  readonly contacts: number
  /** CPU time of all threads per contact since the previous sample, in microseconds. */
  readonly cpu: number
  /** Resident memory in MB. */
  readonly memory: number
}

export interface Scale {
  /** CPU divided by that of raw calls, and by that of the same calls at a concurrency of 32. */
  readonly concurrency: ReadonlyArray<{ readonly at: number; readonly ratio: Figure; readonly overThirtyTwo: number }>
  /** Memory of one call under way and of one raw call, in bytes. */
  readonly inFlight: { readonly calls: number; readonly bytes: number; readonly rawBytes: number }
  readonly search: ReadonlyArray<Sample>
  /** CPU if a tenth of all responses are 503, divided by CPU without failures. */
  readonly failing: Figure
}

const steps = [1, 4, 16, 32, 64, 256, 1024]

export const measureScale = async (isQuick: boolean, log: (text: string) => void): Promise<Scale> => {
  const server = await startServer(isQuick ? 100_000 : 1_000_000)
  const rounds = isQuick ? 3 : 7
  const warmUp = isQuick ? 5000 : 20_000
  try {
    log("Cost of a call by concurrency")
    const byConcurrency = await measureCalls(
      { modules: [ours], concurrency: isQuick ? [1, 32, 1024] : steps, rounds, warmUp },
      () => server.url,
      log
    )
    const rows = byConcurrency.filter(({ contender }) => contender === ours)
    const base = rows.find(({ concurrency }) => concurrency === 32)?.cpu ?? NaN

    log("Memory of a call under way")
    const calls = isQuick ? 2000 : 10_000
    const bytesOf = async (module: string) => {
      await server.send("hold")
      const process = await startInFlight(module, server.url, calls)
      await server.send("release")
      return process.end()
    }
    const inFlight = { calls, bytes: await bytesOf(ours), rawBytes: await bytesOf(raw) }

    log("Cost of a call if a tenth of all responses are 503")
    const compared = await measureCalls(
      { modules: [ours, `${ours}Failing`], concurrency: [32], rounds, warmUp: 2000 },
      (module) => (module === `${ours}Failing` ? `${server.url}/failing` : server.url),
      log
    )
    const [withoutFailures, withFailures] = [ours, `${ours}Failing`].map(
      (name) => compared.find(({ contender }) => contender === name)?.ratio
    )
    const baseline = withoutFailures?.median ?? NaN
    const failing = {
      median: (withFailures?.median ?? NaN) / baseline,
      low: (withFailures?.low ?? NaN) / baseline,
      high: (withFailures?.high ?? NaN) / baseline
    }

    log("Cost of a long search")
    const every = isQuick ? 10_000 : 100_000
    const samples = (await askOnce("measured/search.ts", [server.url, String(every)])) as ReadonlyArray<Sample>
    return {
      concurrency: rows.map(({ concurrency, cpu, ratio }) => ({ at: concurrency, ratio, overThirtyTwo: cpu / base })),
      inFlight,
      search: samples,
      failing
    }
  } finally {
    server.stop()
  }
}
