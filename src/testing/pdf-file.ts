import { constants, deflateRawSync } from 'node:zlib'

/** A PDF file with a line of Latin text on each page. */
export function textPdf(pages: readonly string[]): Buffer {
  return pagesPdf(
    pages.map((text) => stream(`BT /F1 12 Tf 72 720 Td (${text.replaceAll(/[\\()]/g, '\\$&')}) Tj ET`)),
  )
}

/** A PDF file that was made to do harm to its reader. */
export const hostilePdfs = {
  /** Its page nests arrays deeper than a stack. */
  nested: () => pagesPdf([stream(`${'['.repeat(2_000_000)}${']'.repeat(2_000_000)} TJ`)]),
  /** A page of some kilobytes that becomes so many bytes of text. */
  bomb: (bytes: number) => {
    const part = Buffer.from('(aaaaaaaaaaaaaaaa) Tj\n'.repeat(50_000))
    const packed = deflateRawSync(part, { level: 9, finishFlush: constants.Z_FULL_FLUSH })
    const parts = Array<Buffer>(Math.ceil(bytes / part.length)).fill(packed)
    const data = Buffer.concat([Buffer.from([0x78, 0x9c]), ...parts, Buffer.from([0x03, 0x00])])
    return pagesPdf([stream(data.toString('latin1'), '/Filter /FlateDecode')])
  },
  /** A picture of ten thousand million pixels, and text beside it. */
  picture: () =>
    pagesPdf(
      [stream('q 100 0 0 100 0 0 cm /I Do Q BT /F1 12 Tf (Beside it) Tj ET')],
      `/XObject << /I << /Type /XObject /Subtype /Image /Width 100000 /Height 100000 /BitsPerComponent 8 /ColorSpace /DeviceRGB /Length 0 >> >>`,
    ),
  /** A tree of pages that leads back to itself. */
  endless: () => {
    const file = textPdf(['A page']).toString('latin1')
    return Buffer.from(file.replace('/Kids [4 0 R]', '/Kids [2 0 R]'), 'latin1')
  },
} as const

function stream(content: string, filter = ''): string {
  return `<< /Length ${String(content.length)} ${filter} >>\nstream\n${content}\nendstream`
}

/** A PDF file with these streams as its pages. */
function pagesPdf(pages: readonly string[], resources = ''): Buffer {
  const pageIds = pages.map((_, index) => 4 + 2 * index)
  const objects = [
    '<< /Type /Catalog /Pages 2 0 R >>',
    `<< /Type /Pages /Kids [${pageIds.map((id) => `${String(id)} 0 R`).join(' ')}] /Count ${String(pages.length)} >>`,
    '<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>',
    ...pages.flatMap((page, index) => [
      `<< /Type /Page /Parent 2 0 R /MediaBox [0 0 612 792] /Resources << /Font << /F1 3 0 R >> ${resources} >> /Contents ${String(5 + 2 * index)} 0 R >>`,
      page,
    ]),
  ]
  let file = '%PDF-1.4\n'
  const offsets = objects.map((object, index) => {
    const at = file.length
    file += `${String(index + 1)} 0 obj\n${object}\nendobj\n`
    return at
  })
  const table = offsets.map((at) => `${String(at).padStart(10, '0')} 00000 n \n`).join('')
  const size = String(objects.length + 1)
  return Buffer.from(
    `${file}xref\n0 ${size}\n0000000000 65535 f \n${table}trailer\n<< /Size ${size} /Root 1 0 R >>\nstartxref\n${String(file.length)}\n%%EOF\n`,
    'latin1',
  )
}
