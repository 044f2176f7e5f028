import js from '@eslint/js'
import jsxA11y from 'eslint-plugin-jsx-a11y'
import reactHooks from 'eslint-plugin-react-hooks'
import { defineConfig } from 'eslint/config'
import globals from 'globals'
import tseslint from 'typescript-eslint'

/** Import walls that project references cannot see: packages and Node's own modules. */
const electron = { name: 'electron', message: 'Only src/main/electron and src/preload import electron.' }
const llama = { name: 'node-llama-cpp', message: 'Only src/main/model imports node-llama-cpp.' }
const nodeBuiltins = { regex: '^node:', message: 'This folder runs without Node.' }
const hostPackages = {
  regex: '^(ws|@orpc/server|@orpc/openapi)(/|$)',
  message: 'Only the main process serves the contract.',
}
const headless = { regex: '/headless/', message: 'electron and headless never import each other.' }
const desktop = { regex: '/electron/', message: 'electron and headless never import each other.' }

function walls(
  paths: readonly { name: string; message: string }[],
  patterns: readonly { regex: string; message: string }[] = [],
) {
  const rule: ['error', object] = ['error', { paths: [...paths], patterns: [...patterns] }]
  return { '@typescript-eslint/no-restricted-imports': rule }
}

export default defineConfig(
  { ignores: ['out', 'dist', 'node_modules', 'test-results', 'playwright-report'] },
  js.configs.recommended,
  tseslint.configs.strictTypeChecked,
  tseslint.configs.stylisticTypeChecked,
  {
    languageOptions: { parserOptions: { projectService: true } },
    linterOptions: { reportUnusedDisableDirectives: 'error' },
    rules: {
      ...walls([electron, llama]),
      '@typescript-eslint/consistent-type-definitions': 'off',
      '@typescript-eslint/restrict-template-expressions': ['error', { allowNumber: true }],
      '@typescript-eslint/switch-exhaustiveness-check': 'error',
      '@typescript-eslint/no-confusing-void-expression': ['error', { ignoreArrowShorthand: true }],
      '@typescript-eslint/require-await': 'off',
      // A lock or a lease is held for its scope and never read.
      '@typescript-eslint/no-unused-vars': ['error', { ignoreUsingDeclarations: true }],
      'no-restricted-syntax': [
        'error',
        { selector: 'Program > VariableDeclaration[kind="let"]', message: 'No module-level let.' },
      ],
    },
  },
  { files: ['src/contract/**'], rules: walls([electron, llama], [nodeBuiltins, hostPackages]) },
  { files: ['src/main/core/**'], rules: walls([electron, llama], [nodeBuiltins, hostPackages]) },
  { files: ['src/main/model/**'], rules: walls([electron]) },
  // What Plenum is measured against is node-llama-cpp by itself.
  { files: ['bench/**'], rules: walls([electron]) },
  { files: ['src/main/headless/**'], rules: walls([electron, llama], [desktop]) },
  { files: ['src/main/electron/**'], rules: walls([llama], [headless]) },
  { files: ['src/preload/**'], rules: walls([llama], [nodeBuiltins, hostPackages]) },
  {
    files: ['src/renderer/**'],
    extends: [jsxA11y.flatConfigs.recommended, reactHooks.configs.flat.recommended],
    languageOptions: { globals: globals.browser },
    rules: walls([electron, llama], [nodeBuiltins, hostPackages]),
  },
  {
    files: ['**/*.test.ts', '**/*.test.tsx', 'e2e/**'],
    rules: { '@typescript-eslint/no-non-null-assertion': 'off' },
  },
  {
    files: ['scripts/run.js'],
    extends: [tseslint.configs.disableTypeChecked],
    languageOptions: { globals: globals.node },
  },
)
