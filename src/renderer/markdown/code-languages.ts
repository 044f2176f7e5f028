import type { LanguageFn } from 'lowlight'

type Load = () => Promise<{ readonly default: LanguageFn }>

/** Languages that are highlighted, each a file of its own that is fetched when the first block in it is seen. */
const languages: Readonly<Record<string, Load>> = {
  bash: () => import('highlight.js/lib/languages/bash'),
  c: () => import('highlight.js/lib/languages/c'),
  clojure: () => import('highlight.js/lib/languages/clojure'),
  cmake: () => import('highlight.js/lib/languages/cmake'),
  cpp: () => import('highlight.js/lib/languages/cpp'),
  csharp: () => import('highlight.js/lib/languages/csharp'),
  css: () => import('highlight.js/lib/languages/css'),
  dart: () => import('highlight.js/lib/languages/dart'),
  diff: () => import('highlight.js/lib/languages/diff'),
  dockerfile: () => import('highlight.js/lib/languages/dockerfile'),
  elixir: () => import('highlight.js/lib/languages/elixir'),
  erlang: () => import('highlight.js/lib/languages/erlang'),
  fsharp: () => import('highlight.js/lib/languages/fsharp'),
  go: () => import('highlight.js/lib/languages/go'),
  graphql: () => import('highlight.js/lib/languages/graphql'),
  haskell: () => import('highlight.js/lib/languages/haskell'),
  ini: () => import('highlight.js/lib/languages/ini'),
  java: () => import('highlight.js/lib/languages/java'),
  javascript: () => import('highlight.js/lib/languages/javascript'),
  json: () => import('highlight.js/lib/languages/json'),
  julia: () => import('highlight.js/lib/languages/julia'),
  kotlin: () => import('highlight.js/lib/languages/kotlin'),
  latex: () => import('highlight.js/lib/languages/latex'),
  less: () => import('highlight.js/lib/languages/less'),
  lisp: () => import('highlight.js/lib/languages/lisp'),
  lua: () => import('highlight.js/lib/languages/lua'),
  makefile: () => import('highlight.js/lib/languages/makefile'),
  markdown: () => import('highlight.js/lib/languages/markdown'),
  matlab: () => import('highlight.js/lib/languages/matlab'),
  nginx: () => import('highlight.js/lib/languages/nginx'),
  nix: () => import('highlight.js/lib/languages/nix'),
  objectivec: () => import('highlight.js/lib/languages/objectivec'),
  ocaml: () => import('highlight.js/lib/languages/ocaml'),
  perl: () => import('highlight.js/lib/languages/perl'),
  php: () => import('highlight.js/lib/languages/php'),
  powershell: () => import('highlight.js/lib/languages/powershell'),
  protobuf: () => import('highlight.js/lib/languages/protobuf'),
  python: () => import('highlight.js/lib/languages/python'),
  r: () => import('highlight.js/lib/languages/r'),
  ruby: () => import('highlight.js/lib/languages/ruby'),
  rust: () => import('highlight.js/lib/languages/rust'),
  scala: () => import('highlight.js/lib/languages/scala'),
  scheme: () => import('highlight.js/lib/languages/scheme'),
  scss: () => import('highlight.js/lib/languages/scss'),
  shell: () => import('highlight.js/lib/languages/shell'),
  sql: () => import('highlight.js/lib/languages/sql'),
  swift: () => import('highlight.js/lib/languages/swift'),
  typescript: () => import('highlight.js/lib/languages/typescript'),
  vbnet: () => import('highlight.js/lib/languages/vbnet'),
  verilog: () => import('highlight.js/lib/languages/verilog'),
  vhdl: () => import('highlight.js/lib/languages/vhdl'),
  vim: () => import('highlight.js/lib/languages/vim'),
  wasm: () => import('highlight.js/lib/languages/wasm'),
  x86asm: () => import('highlight.js/lib/languages/x86asm'),
  xml: () => import('highlight.js/lib/languages/xml'),
  yaml: () => import('highlight.js/lib/languages/yaml'),
}

const aliases: Readonly<Record<string, string>> = {
  ...{
    sh: 'bash',
    zsh: 'bash',
    console: 'shell',
    shellsession: 'shell',
    ps1: 'powershell',
    pwsh: 'powershell',
  },
  ...{ js: 'javascript', jsx: 'javascript', mjs: 'javascript', cjs: 'javascript', node: 'javascript' },
  ...{ ts: 'typescript', tsx: 'typescript', mts: 'typescript', json5: 'json', jsonc: 'json', jsonl: 'json' },
  ...{ py: 'python', python3: 'python', ipython: 'python', rb: 'ruby', rs: 'rust', golang: 'go', pl: 'perl' },
  ...{
    'c++': 'cpp',
    cc: 'cpp',
    hpp: 'cpp',
    cuda: 'cpp',
    cu: 'cpp',
    glsl: 'c',
    h: 'c',
    'c#': 'csharp',
    cs: 'csharp',
  },
  ...{
    'f#': 'fsharp',
    fs: 'fsharp',
    kt: 'kotlin',
    hs: 'haskell',
    ml: 'ocaml',
    jl: 'julia',
    ex: 'elixir',
    clj: 'clojure',
  },
  ...{
    html: 'xml',
    svg: 'xml',
    xhtml: 'xml',
    vue: 'xml',
    svelte: 'xml',
    plist: 'xml',
    yml: 'yaml',
    toml: 'ini',
  },
  ...{
    conf: 'ini',
    cfg: 'ini',
    env: 'ini',
    docker: 'dockerfile',
    make: 'makefile',
    mk: 'makefile',
    md: 'markdown',
  },
  ...{
    tex: 'latex',
    patch: 'diff',
    proto: 'protobuf',
    gql: 'graphql',
    postgresql: 'sql',
    mysql: 'sql',
    sqlite: 'sql',
  },
  ...{
    plsql: 'sql',
    objc: 'objectivec',
    'objective-c': 'objectivec',
    vb: 'vbnet',
    asm: 'x86asm',
    nasm: 'x86asm',
    wat: 'wasm',
  },
}

/** The language that a fence names, as it is known here: `ts` is `typescript`; null when it is not highlighted. */
export function knownLanguage(name: string): string | null {
  const lower = name.toLowerCase()
  const known = aliases[lower] ?? lower
  return Object.hasOwn(languages, known) ? known : null
}

/** Fetches the grammar of a known language. */
export async function loadLanguage(known: string): Promise<LanguageFn> {
  const load = languages[known]
  if (!load) throw new Error(`There is no grammar of "${known}"`)
  return (await load()).default
}
