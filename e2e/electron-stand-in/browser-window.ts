import { EventEmitter } from 'node:events'
import { app, isPrevented } from './app.ts'
import { WebContents } from './web-contents.ts'

type Bounds = { x: number; y: number; width: number; height: number }
type Options = Partial<Bounds> & {
  show?: boolean
  backgroundColor?: string
  webPreferences?: { preload?: string }
}

/** A window, as much of it as has no screen: its page is real, its frame is a few numbers. */
export class BrowserWindow extends EventEmitter {
  readonly webContents: WebContents
  readonly #bounds: Bounds
  readonly #state = { isVisible: true, isMaximized: false, isMinimized: false, isDestroyed: false }
  #backgroundColor: string

  constructor(options: Options = {}) {
    super()
    const { x = 0, y = 0, width = 800, height = 600, show = true, backgroundColor = '#fff' } = options
    this.#bounds = { x, y, width, height }
    this.#state.isVisible = show
    this.#backgroundColor = backgroundColor
    this.webContents = new WebContents(this, {
      width,
      height,
      preload: options.webPreferences?.preload ?? '',
    })
    this.webContents.once('did-finish-load', () => this.emit('ready-to-show'))
    app.windows.add(this)
    app.emit('web-contents-created', {}, this.webContents)
  }

  static getAllWindows(): BrowserWindow[] {
    return [...app.windows]
  }

  static fromWebContents(contents: WebContents | undefined): BrowserWindow | null {
    return contents?.window ?? null
  }

  loadURL(url: string): Promise<void> {
    return this.webContents.loadURL(url)
  }

  reload(): void {
    this.webContents.reload()
  }

  close(): void {
    if (!isPrevented((event) => this.emit('close', event))) this.destroy()
  }

  destroy(): void {
    if (this.#state.isDestroyed) return
    this.#state.isDestroyed = true
    app.windows.delete(this)
    this.webContents.destroy()
    this.emit('closed')
    if (app.windows.size === 0 && !app.isQuitting) app.emit('window-all-closed')
  }

  isDestroyed(): boolean {
    return this.#state.isDestroyed
  }

  show(): void {
    this.#state.isVisible = true
  }

  isVisible(): boolean {
    return this.#state.isVisible
  }

  focus(): void {
    this.emit('focus')
  }

  maximize(): void {
    this.#state.isMaximized = true
  }

  isMaximized(): boolean {
    return this.#state.isMaximized
  }

  minimize(): void {
    this.#state.isMinimized = true
  }

  restore(): void {
    this.#state.isMinimized = false
  }

  isMinimized(): boolean {
    return this.#state.isMinimized
  }

  getBounds(): Bounds {
    return { ...this.#bounds }
  }

  getNormalBounds(): Bounds {
    return { ...this.#bounds }
  }

  setBounds(bounds: Partial<Bounds>): void {
    Object.assign(this.#bounds, bounds)
  }

  setBackgroundColor(colour: string): void {
    this.#backgroundColor = colour
  }

  getBackgroundColor(): string {
    return this.#backgroundColor
  }
}
