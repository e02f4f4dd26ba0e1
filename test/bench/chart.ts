/** Draws the cost of a call as a bar chart, for light and dark pages. */
import { contenders, type Row } from "./calls.ts"
import { costOf } from "./report.ts"

const width = 760
const labels = 232
const right = 64
const lineHeight = 28
const top = 58

const style = `
  text { font: 13px system-ui, -apple-system, "Segoe UI", sans-serif; fill: #1f2328 }
  .title { font-weight: 600; font-size: 15px }
  .note { fill: #59636e; font-size: 12px }
  .own { font-weight: 600 }
  .bar { fill: #afb8c1 }
  .bar.own { fill: #0969da }
  .spread, .floor { stroke: #59636e; stroke-width: 1.5 }
  .floor { stroke-dasharray: 4 3; stroke-width: 1 }
  @media (prefers-color-scheme: dark) {
    text { fill: #f0f6fc }
    .note { fill: #9198a1 }
    .bar { fill: #3d444d }
    .bar.own { fill: #4493f8 }
    .spread, .floor { stroke: #9198a1 }
  }`

const escape = (text: string): string => text.replaceAll("&", "&amp;").replaceAll("<", "&lt;")

export const draw = (rows: ReadonlyArray<Row>): string => {
  const shown = rows
    .filter(({ concurrency }) => concurrency === 32)
    .toSorted((a, b) => costOf(rows, a.contender) - costOf(rows, b.contender))
  const most = Math.max(...shown.map(({ ratio }) => ratio.high))
  const x = (ratio: number): string => (labels + (ratio / most) * (width - labels - right)).toFixed(1)
  const height = top + shown.length * lineHeight + 14
  const bars = shown.map(({ contender, ratio }, index) => {
    const middle = top + index * lineHeight + lineHeight / 2
    const own = contender.startsWith("agentalk") ? " own" : ""
    return [
      `  <text class="label${own}" x="${labels - 10}" y="${middle + 4}" text-anchor="end">${escape(contenders[contender] ?? contender)}</text>`,
      `  <rect class="bar${own}" x="${labels}" y="${middle - 9}" width="${(Number(x(ratio.median)) - labels).toFixed(1)}" height="18" rx="2" />`,
      `  <line class="spread" x1="${x(ratio.low)}" x2="${x(ratio.high)}" y1="${middle}" y2="${middle}" />`,
      `  <text class="value${own}" x="${Number(x(Math.max(ratio.high, ratio.median))) + 8}" y="${middle + 4}">${ratio.median.toFixed(2)}</text>`
    ].join("\n")
  })
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" role="img" aria-label="CPU of a call over undici.request, 32 calls at a time">
  <style>${style}
  </style>
  <text class="title" x="16" y="24">CPU of a call over undici.request + JSON.parse</text>
  <text class="note" x="16" y="43">32 at a time; the shorter, the better; a line is the middle half of all rounds</text>
  <line class="floor" x1="${x(1)}" x2="${x(1)}" y1="${top - 4}" y2="${height - 12}" />
${bars.join("\n")}
</svg>
`
}
