const paths = {
  plus: 'M8 3v10M3 8h10',
  close: 'M4 4l8 8M12 4l-8 8',
  check: 'M3.5 8.5l3 3 6-7',
  pencil: 'M10.5 3.5l2 2L6 12l-2.7.7L4 10z',
  trash: 'M3 4.5h10M6.5 4.5V3h3v1.5M4.5 4.5l.6 8.5h5.8l.6-8.5M6.8 7v3.5M9.2 7v3.5',
  branch: 'M4.5 13V3M4.5 9.5h3.2a3.3 3.3 0 0 0 3.3-3.3V3M8.8 5.2L11 3l2.2 2.2',
  route: 'M2.5 8h3.2l3-4h4.8M5.7 8l3 4h4.8M11.5 2l2 2l-2 2M11.5 10l2 2l-2 2',
  columns: 'M2.5 3h4.6v10H2.5zM8.9 3h4.6v10H8.9z',
  'chevron-left': 'M10 4L6 8l4 4',
  play: 'M5 3.5v9l7.5-4.5z',
  more: 'M3.5 8h.01M8 8h.01M12.5 8h.01',
  menu: 'M2.5 4.5h11M2.5 8h11M2.5 11.5h11',
  copy: 'M6 6h7v7H6zM10 6V3H3v7h3',
  send: 'M8 13V3M3.8 7.2L8 3l4.2 4.2',
  stop: 'M4.5 4.5h7v7h-7z',
  down: 'M8 3v10M3.8 8.8L8 13l4.2-4.2',
  'chevron-down': 'M4 6l4 4 4-4',
  'chevron-right': 'M6 4l4 4-4 4',
  retry: 'M12.8 8a4.8 4.8 0 1 1-1.5-3.5M11.5 2v2.8H8.7',
  warning: 'M8 2.5l6 10.5H2zM8 6.5v3M8 11.3v.01',
  library: 'M3 2.5v11M6 2.5v11M9 2.5v11M11.2 3l2.3 10.2',
  paperclip:
    'M11.5 6.5l-4.7 4.7a1.6 1.6 0 0 1-2.3-2.3l5.6-5.6a2.6 2.6 0 0 1 3.7 3.7l-5.9 5.9a3.7 3.7 0 0 1-5.2-5.2L7.6 3',
  file: 'M4 2.5h5l3 3v8H4zM9 2.5v3h3',
  sliders: 'M4 2.5v5M4 10.5v3M8 2.5v2M8 7.5v6M12 2.5v6M12 11.5v2M2.5 9h3M6.5 6h3M10.5 10h3',
  settings: 'M2.5 5h5M11.5 5h2M9.5 3.2v3.6M2.5 11h2M8.5 11h5M6.5 9.2v3.6',
  pin: 'M6 2.5h4M6.8 2.5v4L5 9h6L9.2 6.5v-4M8 9v4.5',
  eject: 'M3.5 9.5h9L8 3.5zM3.5 12.5h9',
  search: 'M7 2.8a4.2 4.2 0 1 0 0 8.4a4.2 4.2 0 0 0 0-8.4M10.2 10.2l3 3',
  folder: 'M2.5 12.5v-9h4l1.5 2h5.5v7z',
  upload: 'M8 10.5v-7M5 6.2l3-3 3 3M3 10.5v2.5h10v-2.5',
  load: 'M8 2.5v7M5 6.8l3 3l3-3M3 10.5v2.5h10v-2.5',
  disk: 'M2.5 9h11v4h-11zM2.5 9l2-6h7l2 6M10.8 11h.01',
  restore: 'M2.5 9h11v4h-11zM8 6.8V2.2M5.6 4.4L8 2l2.4 2.4',
  grow: 'M2.5 8h11M5 5.2L2.2 8L5 10.8M11 5.2L13.8 8L11 10.8',
  shrink: 'M2 8h4.4M4 5.4L6.6 8L4 10.6M14 8H9.6M12 5.4L9.4 8l2.6 2.6',
  swap: 'M3 5.5h9.5M10 3l2.5 2.5L10 8M13 10.5H3.5M6 8l-2.5 2.5L6 13',
  undo: 'M3 6.5h6.5a3.2 3.2 0 0 1 0 6.5H6.5M5.8 3.5L2.8 6.5L5.8 9.5',
  archive: 'M2.5 3.5h11v3h-11zM3.5 6.5v6.5h9v-6.5M6.5 9.3h3',
  unarchive: 'M2.5 3.5h11v3h-11zM3.5 6.5v6.5h9v-6.5M8 11.8V8.2M6.3 9.8L8 8.1l1.7 1.7',
  unpin: 'M6 2.5h4M6.8 2.5v4L5 9h6L9.2 6.5v-4M8 9v4.5M3 3l10 10',
  export: 'M8 10V3M5.2 5.6L8 2.8l2.8 2.8M3 9.5v3.7h10V9.5',
  import: 'M8 2.8v7M5.2 7.2L8 10l2.8-2.8M3 9.5v3.7h10V9.5',
  up: 'M8 13V3M3.8 7.2L8 3l4.2 4.2',
  'pane-left': 'M2.5 3h11v10h-11zM6.2 3v10',
  'pane-right': 'M2.5 3h11v10h-11zM9.8 3v10',
  wrap: 'M2.5 4h11M2.5 8h9a2.2 2.2 0 1 1 0 4.4H8M9.8 10.4L7.8 12.4L9.8 14.4M2.5 12h3',
  info: 'M8 2.2a5.8 5.8 0 1 0 0 11.6a5.8 5.8 0 0 0 0-11.6M8 7.2v3.6M8 5.2v.01',
} as const

/** The names of the icons there are. */
export type IconName = keyof typeof paths

/** A line icon in the colour of the text around it. A picture only: whoever shows it gives the name. */
export function Icon({ name, size = 16 }: { readonly name: IconName; readonly size?: number }) {
  return (
    <svg
      viewBox="0 0 16 16"
      width={size}
      height={size}
      fill="none"
      stroke="currentColor"
      strokeWidth="1.5"
      strokeLinecap="round"
      strokeLinejoin="round"
      aria-hidden="true"
      focusable="false"
    >
      <path d={paths[name]} fill={name === 'stop' ? 'currentColor' : 'none'} />
    </svg>
  )
}
