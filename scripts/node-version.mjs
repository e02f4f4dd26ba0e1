// Old syntax only: this must be readable to the very Node that it turns away.
var version = process.version.slice(1).split(".").map(Number)

if (version[0] < 22 || (version[0] === 22 && version[1] < 19)) {
  console.error(
    "This project needs Node 22.19 or newer and found " +
      process.version +
      ": run `npx --yes pnpm@12.21.0 <script>`, which uses the Node that the project brings along."
  )
  process.exit(1)
}
