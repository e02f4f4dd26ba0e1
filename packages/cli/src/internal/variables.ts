/** The environment variables that the command reads. */
import * as GlobalFlags from "./globalFlags.ts"

interface Variable {
  readonly name: string
  /** Whether API calls fail without it. */
  readonly isRequired: boolean
  /** The flag that overrides the variable. */
  readonly setting?: typeof GlobalFlags.TokenFile | typeof GlobalFlags.BaseUrl | typeof GlobalFlags.Organization
}

export const variables: ReadonlyArray<Variable> = [
  { name: "AGENTALK_API_TOKEN", isRequired: true, setting: GlobalFlags.TokenFile },
  { name: "AGENTALK_BASE_URL", isRequired: false, setting: GlobalFlags.BaseUrl },
  { name: "AGENTALK_ORGANIZATION_ID", isRequired: false, setting: GlobalFlags.Organization },
  { name: "AGENTALK_RATE_LIMIT", isRequired: false }
]
