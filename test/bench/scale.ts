/** What becomes of the cost when there is much of something: calls at a time, calls under way, contacts, failures. */
import { measureCalls, raw } from "./calls.ts"
import { askOnce, startInFlight, startServer } from "./processes.ts"
import type { Figure } from "./statistics.ts"

const ours = "agentalk"

/** A search, on its way. */
export interface Sample {
  readonly contacts: number
  /** Microseconds of all threads, since the sample before, for each contact. */
  readonly cpu: number
  /** Resident memory in MB. */
  readonly memory: number
}

export interface Scale {
  /** CPU over raw, and over the same at a concurrency of 32. */
  readonly concurrency: ReadonlyArray<{ readonly at: number; readonly ratio: Figure; readonly overThirtyTwo: number }>
  /** Bytes of a call that is under way, and those of a raw one. */
  readonly inFlight: { readonly calls: number; readonly bytes: number; readonly rawBytes: number }
  readonly search: ReadonlyArray<Sample>
  /** CPU with a tenth of all answers being 503, over CPU with none. */
  readonly failing: Figure
}

const steps = [1, 4, 16, 32, 64, 256, 1024]

export const measureScale = async (isQuick: boolean, say: (text: string) => void): Promise<Scale> => {
  const server = await startServer(isQuick ? 100_000 : 1_000_000)
  const rounds = isQuick ? 3 : 7
  const warmUp = isQuick ? 5000 : 20_000
  try {
    say("How the cost of a call grows with concurrency")
    const grown = await measureCalls(
      { modules: [ours], concurrency: isQuick ? [1, 32, 1024] : steps, rounds, warmUp },
      () => server.url,
      say
    )
    const rows = grown.filter(({ contender }) => contender === ours)
    const base = rows.find(({ concurrency }) => concurrency === 32)?.cpu ?? NaN

    say("What a call under way keeps in memory")
    const calls = isQuick ? 2000 : 10_000
    const bytesOf = async (module: string) => {
      await server.tell("hold")
      const process = await startInFlight(module, server.url, calls)
      await server.tell("release")
      return process.end()
    }
    const inFlight = { calls, bytes: await bytesOf(ours), rawBytes: await bytesOf(raw) }

    say("A tenth of all answers is 503")
    const compared = await measureCalls(
      { modules: [ours, `${ours}Failing`], concurrency: [32], rounds, warmUp: 2000 },
      (module) => (module === `${ours}Failing` ? `${server.url}/failing` : server.url),
      say
    )
    const [well, ill] = [ours, `${ours}Failing`].map(
      (name) => compared.find(({ contender }) => contender === name)?.ratio
    )
    const healthy = well?.median ?? NaN
    const failing = {
      median: (ill?.median ?? NaN) / healthy,
      low: (ill?.low ?? NaN) / healthy,
      high: (ill?.high ?? NaN) / healthy
    }

    say("A long search")
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
