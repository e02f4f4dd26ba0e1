/** A set of row numbers, stored as ranges. If rows complete nearly in order, it needs memory only for the gaps. */
export class RowSet {
  private readonly ranges: Array<[from: number, to: number]> = []
  private count = 0

  /** The number of rows in the set. */
  get size(): number {
    return this.count
  }

  /** The index of the first range that ends at `row` or after it. */
  private find(row: number): number {
    let low = 0
    let high = this.ranges.length
    while (low < high) {
      const middle = (low + high) >> 1
      if ((this.ranges[middle]?.[1] ?? 0) < row) low = middle + 1
      else high = middle
    }
    return low
  }

  has(row: number): boolean {
    const range = this.ranges[this.find(row)]
    return range !== undefined && range[0] <= row
  }

  /** Adds a row. Returns `false` if the set already contained it. */
  add(row: number): boolean {
    const index = this.find(row)
    const next = this.ranges[index]
    if (next !== undefined && next[0] <= row) return false
    const before = this.ranges[index - 1]
    this.count++
    const joinsBefore = before?.[1] === row - 1
    const joinsNext = next?.[0] === row + 1
    if (joinsBefore && joinsNext) {
      before[1] = next[1]
      this.ranges.splice(index, 1)
    } else if (joinsBefore) before[1] = row
    else if (joinsNext) next[0] = row
    else this.ranges.splice(index, 0, [row, row])
    return true
  }

  /** Removes a row. Returns `false` if the set did not contain it. */
  delete(row: number): boolean {
    const index = this.find(row)
    const range = this.ranges[index]
    if (range === undefined || range[0] > row) return false
    this.count--
    const [from, to] = range
    const rest: Array<[number, number]> = []
    if (from < row) rest.push([from, row - 1])
    if (row < to) rest.push([row + 1, to])
    this.ranges.splice(index, 1, ...rest)
    return true
  }

  /** The number of ranges in memory. */
  get rangeCount(): number {
    return this.ranges.length
  }
}
