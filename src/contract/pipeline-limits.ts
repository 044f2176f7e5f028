/** Most characters that a pipeline file may have: YAML from anywhere is read in a few seconds then. */
export const maxPipelineCharacters = 200_000
