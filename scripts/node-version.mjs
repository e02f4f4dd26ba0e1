// This file uses old syntax only, because old versions of Node must be able to run it.
var version = process.version.slice(1).split(".").map(Number)

if (version[0] < 22 || (version[0] === 22 && version[1] < 19)) {
  console.error(
    "This project needs Node 22.19 or newer and found " +
      process.version +
      ": run `npx --yes pnpm@12.21.0 <script>`, which uses the Node version that the project installs."
  )
  process.exit(1)
}
