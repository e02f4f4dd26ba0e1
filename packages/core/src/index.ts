export * as Transport from "./Transport.ts"
