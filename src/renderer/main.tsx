import { StrictMode } from 'react'
import { createRoot } from 'react-dom/client'
import { App } from './app.tsx'
import { mirrorHost } from './store.ts'
import './theme.css'

const root = document.getElementById('root')
if (!root) throw new Error('The page has no root element')
void mirrorHost(new AbortController().signal)
createRoot(root).render(
  <StrictMode>
    <App />
  </StrictMode>,
)
