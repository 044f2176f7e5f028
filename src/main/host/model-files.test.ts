import { describe, expect, it } from 'vitest'
import { chooseProjector, groupModelFiles, isGgufName } from './model-files.ts'

describe('groupModelFiles', () => {
  it('counts the parts of a split model as one, also when some are not there', () => {
    const files = [
      '/m/a.gguf',
      '/m/b-00002-of-00002.gguf',
      '/m/b-00001-of-00002.gguf',
      '/m/c-00003-of-00003.gguf',
    ]
    expect(groupModelFiles(files)).toEqual([
      { stem: 'a', paths: ['/m/a.gguf'] },
      { stem: 'b', paths: ['/m/b-00001-of-00002.gguf', '/m/b-00002-of-00002.gguf'] },
      {
        stem: 'c',
        paths: ['/m/c-00001-of-00003.gguf', '/m/c-00002-of-00003.gguf', '/m/c-00003-of-00003.gguf'],
      },
    ])
  })
})

describe('isGgufName', () => {
  it('takes GGUF files and leaves what is not complete or only looks like one', () => {
    const names = ['a.gguf', 'A.GGUF', 'a.gguf.part', '._a.gguf', 'gguf', 'a.ggml']
    expect(names.filter(isGgufName)).toEqual(['a.gguf', 'A.GGUF'])
  })
})

describe('chooseProjector', () => {
  it('gives every model the projector without a name of its own', () => {
    expect(chooseProjector('Qwen2-VL-7B-Q4_K_M', ['/m/mmproj-model-f16.gguf'])).toBe(
      '/m/mmproj-model-f16.gguf',
    )
  })

  it('tells by the names which projector is whose', () => {
    const projectors = ['/m/mmproj-gemma-3-12b-it-F16.gguf', '/m/mmproj-Qwen2-VL-7B-f16.gguf']
    expect([
      chooseProjector('gemma-3-12b-it-Q4_0', projectors),
      chooseProjector('qwen2-vl-7b-instruct-q8_0', projectors),
      chooseProjector('Llama-3-8B', projectors),
    ]).toEqual([projectors[0], projectors[1], null])
  })

  it('prefers the common precision', () => {
    const projectors = ['/m/mmproj-F32.gguf', '/m/mmproj-BF16.gguf', '/m/mmproj-F16.gguf']
    expect(chooseProjector('gemma-3', projectors)).toBe('/m/mmproj-F16.gguf')
  })
})
