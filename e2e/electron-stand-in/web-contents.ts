import { EventEmitter } from 'node:events'
import { readFileSync } from 'node:fs'
import { app, isPrevented } from './app.ts'
import type { BrowserWindow } from './browser-window.ts'
import type { Session } from './cdp.ts'
import { codec, makeCodec } from './codec.ts'
import type { MessagePortMain } from './message-ports.ts'
import { deliverFromPage } from './message-ports.ts'
import type { FromPage, ToPage } from './page.ts'
import { runInPage } from './page.ts'
import { findHandler, fromChromium, interceptedUrls, toChromium } from './schemes.ts'

type WindowOpenHandler = (details: { readonly url: string }) => { readonly action: 'allow' | 'deny' }
type PausedRequest = {
  readonly requestId: string
  readonly request: {
    readonly url: string
    readonly method: string
    readonly headers: Record<string, string>
  }
  readonly resourceType: string
  readonly frameId: string
}

const byTarget = new Map<string, WebContents>()

/** The page of a window: a target of Chromium. */
export class WebContents extends EventEmitter {
  readonly window: BrowserWindow
  #target = ''
  #url = ''
  #isDestroyed = false
  #isFlushing = false
  // Where main itself sends the page, which is no navigation that anybody could deny.
  #expectedUrl = ''
  #openHandler: WindowOpenHandler = () => ({ action: 'allow' })
  readonly #queue: string[] = []
  readonly #opened: Promise<Session>

  constructor(window: BrowserWindow, options: { width: number; height: number; preload: string }) {
    super()
    this.window = window
    this.#opened = this.#open(options)
  }

  static fromDevToolsTargetId(targetId: string): WebContents | undefined {
    return byTarget.get(targetId)
  }

  async loadURL(url: string): Promise<void> {
    this.#expectedUrl = new URL(url).href
    const session = await this.#opened
    const { errorText } = await session.send('Page.navigate', { url: toChromium(url) })
    if (errorText !== undefined && errorText !== '') throw new Error(`${errorText} loading '${url}'`)
  }

  reload(): void {
    this.#expectedUrl = this.#url
    void this.#opened.then((session) => session.send('Page.reload'))
  }

  postMessage(channel: string, message: unknown, transfer: readonly MessagePortMain[] = []): void {
    const ports = transfer.map((port) => port.moveTo((content) => this.#tell(content)))
    this.#tell({ kind: 'event', channel, args: [message], ports })
  }

  setWindowOpenHandler(handler: WindowOpenHandler): void {
    this.#openHandler = handler
  }

  getURL(): string {
    return this.#url
  }

  isDestroyed(): boolean {
    return this.#isDestroyed
  }

  close(): void {
    this.window.close()
  }

  /** Ends the page with its window. */
  destroy(): void {
    if (this.#isDestroyed) return
    this.#isDestroyed = true
    byTarget.delete(this.#target)
    void this.#opened
      .then(() => app.browser.send('Target.closeTarget', { targetId: this.#target }))
      .catch(() => undefined)
    this.emit('destroyed')
  }

  async #open({
    width,
    height,
    preload,
  }: {
    width: number
    height: number
    preload: string
  }): Promise<Session> {
    await app.whenBrowserReady()
    const { targetId } = await app.browser.send('Target.createTarget', {
      url: 'about:blank',
      newWindow: true,
      ...{ width, height },
    })
    const session = await app.browser.attach(targetId)
    this.#target = targetId
    byTarget.set(targetId, this)
    this.#listen(session)
    const script = `function (require, module, exports) {${readFileSync(preload, 'utf8')}\n}`
    await Promise.all([
      session.send('Page.enable'),
      session.send('Runtime.enable'),
      session.send('Debugger.enable'),
      session.send('Runtime.addBinding', { name: '__electronStandIn' }),
      session.send('Fetch.enable', {
        patterns: [{ urlPattern: interceptedUrls }, { urlPattern: '*', resourceType: 'Document' }],
      }),
      session.send('Page.addScriptToEvaluateOnNewDocument', {
        source: `(${String(runInPage)})(${String(makeCodec)}, ${script})`,
      }),
    ])
    return session
  }

  #listen(session: Session): void {
    session.on('Runtime.bindingCalled', ({ name, payload }) => {
      // Only the page's own side of this class packs messages for the binding.
      if (name === '__electronStandIn') this.#hear(codec.unpack(payload) as FromPage)
    })
    session.on('Page.loadEventFired', () => this.emit('did-finish-load', {}))
    session.on('Page.frameNavigated', ({ frame }) => {
      if (frame.parentId === undefined) this.#url = fromChromium(frame.url)
    })
    session.on('Inspector.targetCrashed', () =>
      this.emit('render-process-gone', {}, { reason: 'crashed', exitCode: 133 }),
    )
    session.on('Fetch.requestPaused', (request) => void this.#answer(session, request))
    session.on('Debugger.paused', ({ callFrames }) => void this.#resume(session, callFrames[0]))
    app.browser.on('Target.targetDestroyed', ({ targetId }) => {
      if (targetId === this.#target) this.window.destroy()
    })
    session.on('Page.windowOpen', ({ url }) => {
      // Plenum opens none; what an allowed one would be is not covered.
      if (this.#openHandler({ url }).action === 'allow') throw new Error(`A page opened a window: ${url}`)
    })
    app.browser.on('Target.targetCreated', ({ targetInfo: { targetId, openerId } }) => {
      if (openerId !== this.#target) return
      void app.browser.send('Target.closeTarget', { targetId }).catch(() => undefined)
    })
  }

  #hear(message: FromPage): void {
    if (message.kind === 'port') deliverFromPage(message.port, message.data)
    else process.stderr.write(`electron-stand-in: the preload script failed: ${message.message}\n`)
  }

  #tell(message: ToPage): void {
    if (this.#isDestroyed) return
    this.#queue.push(codec.pack(message))
    if (this.#isFlushing) return
    this.#isFlushing = true
    setImmediate(() => void this.#flush())
  }

  /** One evaluation at a time: what is said meanwhile goes with the next one, in order. */
  async #flush(): Promise<void> {
    const session = await this.#opened
    while (this.#queue.length > 0 && !this.#isDestroyed) {
      const texts = JSON.stringify(this.#queue.splice(0))
      const expression = `globalThis[Symbol.for('electron-stand-in')]?.(${texts})`
      await session.send('Runtime.evaluate', { expression, silent: true }).catch(() => undefined)
    }
    this.#isFlushing = false
  }

  /** A request that Chromium holds back: a navigation that may be denied, or one of the app's own addresses. */
  async #answer(session: Session, paused: PausedRequest): Promise<void> {
    const { requestId, request } = paused
    const url = fromChromium(request.url)
    try {
      if (
        paused.resourceType === 'Document' &&
        this.#deniesNavigation(url, paused.frameId === this.#target)
      ) {
        await session.send('Fetch.failRequest', { requestId, errorReason: 'Aborted' })
        return
      }
      const handler = findHandler(url)
      if (!handler) {
        await session.send('Fetch.continueRequest', { requestId })
        return
      }
      const response = await handler(new Request(url, { method: request.method, headers: request.headers }))
      await session.send('Fetch.fulfillRequest', {
        requestId,
        responseCode: response.status,
        responseHeaders: [...response.headers].map(([name, value]) => ({ name, value })),
        body: Buffer.from(await response.arrayBuffer()).toString('base64'),
      })
    } catch (error) {
      if (this.#isDestroyed) return
      process.stderr.write(`electron-stand-in: ${url}: ${String(error)}\n`)
      await session.send('Fetch.failRequest', { requestId, errorReason: 'Failed' }).catch(() => undefined)
    }
  }

  #deniesNavigation(url: string, isMainFrame: boolean): boolean {
    if (isMainFrame && url === this.#expectedUrl) {
      this.#expectedUrl = ''
      return false
    }
    return isPrevented((event) => this.emit('will-frame-navigate', { ...event, url, isMainFrame }))
  }

  /** The page stopped to wait for the path of a file: fill its box, let it go on. */
  async #resume(
    session: Session,
    frame: { readonly functionName: string; readonly callFrameId: string } | undefined,
  ): Promise<void> {
    if (frame?.functionName === 'electronStandInSync') {
      const evaluate = (expression: string) =>
        session.send('Debugger.evaluateOnCallFrame', { callFrameId: frame.callFrameId, expression })
      try {
        const { objectId } = (await evaluate('box.file')).result
        const { path } = await session.send('DOM.getFileInfo', { objectId: objectId ?? '' })
        await evaluate(`box.path = ${JSON.stringify(path)}`)
      } catch (error) {
        await evaluate(`box.problem = ${JSON.stringify(String(error))}`).catch(() => undefined)
      }
    }
    await session.send('Debugger.resume').catch(() => undefined)
  }
}

/** Electron's `webContents`. */
export const webContents = { fromDevToolsTargetId: (id: string) => WebContents.fromDevToolsTargetId(id) }
