import { StrictMode } from 'react'
import { createRoot } from 'react-dom/client'
import { App } from './app.tsx'
import { followAddress } from './conversation-address.ts'
import { followDrafts } from './kept-drafts.ts'
import { mirrorHost } from './mirror-host.ts'
import './theme.css'
import { followTheme } from './theme.ts'
import { DefectBoundary } from './ui/defect-boundary.tsx'

const root = document.getElementById('root')
if (!root) throw new Error('The page has no root element')
const { signal } = new AbortController()
followTheme(signal)
followAddress(signal)
followDrafts(signal)
void mirrorHost(signal)
createRoot(root).render(
  <StrictMode>
    <DefectBoundary>
      <App />
    </DefectBoundary>
  </StrictMode>,
)
