import path from 'node:path'
import type { ModelRole } from '../../contract/routing.ts'

/**
 * What the demo models are for, by the beginning of their files' names. Without descriptions or examples: the demo router was trained on the bare names of
 * these four labels, and sorts worse with more (see router-prompt.ts). Of a hundred small sums Guide did 91 and Coder 87.
 */
const roles: Readonly<Record<string, ModelRole>> = {
  'demo-guide': roleOf('chat', 'math', 'memory'),
  'demo-coder': roleOf('code'),
  'demo-judge': { labels: [], routes: true, verifies: true },
}

/** The role that a demo model has until the user changes it; undefined for files that are none. */
export function demoRole(file: string): ModelRole | undefined {
  const name = path.basename(file)
  return Object.entries(roles).find(([start]) => name.startsWith(start))?.[1]
}

function roleOf(...names: readonly string[]): ModelRole {
  return { labels: names.map((name) => ({ name })), routes: false, verifies: false }
}
