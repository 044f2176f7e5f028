import { hostname, networkInterfaces } from 'node:os'
import { isIP } from 'node:net'

/** Whether an address to listen on can be reached from this machine only. */
export function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || /^127(\.\d{1,3}){3}$/.test(host)
}

/** Whether an address to listen on means every network of the machine. */
export function isEveryAddress(host: string): boolean {
  return host === '0.0.0.0' || host === '::'
}

/** The names and addresses under which a server bound to `host` may be asked: a DNS name that an attacker points here is none of them. */
export function allowedHosts(host: string): ReadonlySet<string> {
  const names = ['localhost', '127.0.0.1', '::1', host.toLowerCase()]
  if (isEveryAddress(host)) {
    const machine = hostname().toLowerCase()
    names.push(...machineAddresses(), machine, machine.endsWith('.local') ? machine : `${machine}.local`)
  }
  return new Set(names)
}

/** The address to print for people: one that also works from another machine when the server listens everywhere. */
export function addressToShow(host: string): string {
  if (!isEveryAddress(host)) return host
  return machineAddresses().find((address) => isIP(address) === 4) ?? 'localhost'
}

/** The `host[:port]` of a URL. */
export function writeHost(address: string, port: number): string {
  return `${address.includes(':') ? `[${address}]` : address}:${String(port)}`
}

/** The name or address of a `Host` header, without port and brackets; null when it is malformed. */
export function readHost(header: string | undefined): string | null {
  const match = /^(?:\[([\da-f:.%]+)\]|([\w.-]+))(?::\d{1,5})?$/i.exec(header ?? '')
  return (match?.[1] ?? match?.[2])?.toLowerCase() ?? null
}

function machineAddresses(): string[] {
  return Object.values(networkInterfaces())
    .flatMap((addresses) => addresses ?? [])
    .filter((address) => !address.internal)
    .map((address) => address.address.toLowerCase())
}
