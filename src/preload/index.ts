import { contextBridge, ipcRenderer, webUtils } from 'electron'

// The port on which main serves the contract comes through here, and what is said on it does not.
ipcRenderer.on('plenum:port', (event) => {
  window.postMessage('plenum:port', '*', event.ports)
})

// The path of a dropped file: a page in the sandbox cannot read it, and must not be able to make one up.
contextBridge.exposeInMainWorld('plenum', {
  pathForFile: (file: File) => webUtils.getPathForFile(file),
})
