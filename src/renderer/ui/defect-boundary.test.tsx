// @vitest-environment jsdom
import { act } from 'react'
import { createRoot } from 'react-dom/client'
import { expect, test, vi } from 'vitest'
import { DefectBoundary } from './defect-boundary.tsx'

test('a part that cannot be drawn is told in words instead of an empty window', () => {
  vi.stubGlobal('IS_REACT_ACT_ENVIRONMENT', true)
  const place = document.createElement('div')
  const root = createRoot(place, { onCaughtError: () => undefined })
  function Broken(): never {
    throw new Error('l is not a function')
  }
  act(() =>
    root.render(
      <DefectBoundary>
        <Broken />
      </DefectBoundary>,
    ),
  )
  expect(place.textContent).toContain('l is not a function')
  expect(place.querySelector('button')?.textContent).toBe('Load again')
  act(() => root.unmount())
})
