import { formatBytes } from '../../contract/bytes.ts'
import type { FootprintPartName, Resident } from '../../contract/memory.ts'
import tables from '../ui/figure-table.module.css'
import { formatCount, formatError, unbroken } from '../ui/format.ts'
import { domainNames, partNames, usedKvBytes } from './blocks.ts'
import {
  compareDomains,
  compareParts,
  compareTotal,
  predictionBasis,
  type Comparison,
} from './footprint-comparison.ts'

/** A resident's memory, part by part: what was predicted, what loading took, how far the two are apart, and what it takes now. */
export function FootprintTable({ resident }: { readonly resident: Resident }) {
  const parts = compareParts(resident)
  const domains = compareDomains(resident)
  const isSplit = domains.length > 0
  if (parts.length === 0) return null
  return (
    <div>
      <table className={tables['table']}>
        <caption>Memory</caption>
        <thead>
          <tr>
            <th scope="col">Part</th>
            {isSplit && (
              <th scope="col" data-words="">
                Where
              </th>
            )}
            <th scope="col">Predicted</th>
            <th scope="col">Measured</th>
            <th scope="col">Error</th>
            <th scope="col">Now</th>
          </tr>
        </thead>
        <tbody>
          {parts.map((item) => (
            <tr key={`${item.part} ${item.domain}`}>
              <th scope="row">
                {nameOf(item.part)}
                {item.part === 'kvCache' && (
                  <span
                    className={tables['soft']}
                  >{` · ${unbroken(formatBytes(usedKvBytes(resident, item.domain)))} used`}</span>
                )}
              </th>
              {isSplit && <td data-words="">{domainNames[item.domain]}</td>}
              <Figures {...item} />
            </tr>
          ))}
        </tbody>
        <tfoot>
          {domains.map((item) => (
            <tr key={item.domain} data-part="">
              <th scope="row">Together</th>
              <td data-words="">{domainNames[item.domain]}</td>
              <Figures {...item} />
            </tr>
          ))}
          <tr>
            <th scope="row">Total</th>
            {isSplit && <td />}
            <Figures {...compareTotal(resident)} />
          </tr>
        </tfoot>
      </table>
      <p className={tables['note']}>{explain(resident, parts)}</p>
    </div>
  )
}

function Figures({ predictedBytes, measuredBytes, error, isComputed, nowBytes }: Comparison) {
  return (
    <>
      <Bytes bytes={predictedBytes} />
      <Bytes bytes={measuredBytes} isMarked={isComputed} />
      <td>{error === null ? '–' : formatError(error)}</td>
      <Bytes bytes={nowBytes} />
    </>
  )
}

function Bytes({ bytes, isMarked = false }: { readonly bytes: number | null; readonly isMarked?: boolean }) {
  if (bytes === null) return <td className={tables['soft']}>–</td>
  return (
    <td title={`${formatCount(bytes)} bytes`}>
      <span className={isMarked ? tables['mark'] : undefined}>{formatBytes(bytes)}</span>
    </td>
  )
}

function nameOf(part: FootprintPartName): string {
  return partNames.find((item) => item.part === part)?.name ?? part
}

/** What the columns mean, and what the numbers rest on. */
function explain(resident: Resident, parts: readonly Comparison[]): string {
  const { loadedWith, measured, predictionError: error } = resident
  const size = loadedWith && ` of ${formatCount(loadedWith.contextTokens)} tokens`
  const sentences = [
    predictionBasis(resident),
    measured.length === 0
      ? 'It is measured when it is loaded.'
      : `Measured: as it was loaded, with one context${size ?? ''}. Error: how far the prediction was off; below zero it was too little.`,
    measured.length > 0 && error === null
      ? 'There is no error: it was loaded in another way than was predicted.'
      : null,
    parts.some(({ isComputed }) => isComputed)
      ? '* Computed: KV cache and compute buffers were measured together.'
      : null,
  ]
  return sentences.filter((sentence) => sentence !== null).join(' ')
}
