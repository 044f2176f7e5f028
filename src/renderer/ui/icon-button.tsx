import type { ComponentPropsWithRef } from 'react'
import styles from './icon-button.module.css'
import { Icon, type IconName } from './icon.tsx'

type IconButtonProps = Omit<
  ComponentPropsWithRef<'button'>,
  'type' | 'className' | 'children' | 'aria-label'
> & {
  readonly icon: IconName
  /** Its name; also its title, unless that says more. */
  readonly label: string
  /** `small` (default) stands in a line of text, `large` in a bar of its own. */
  readonly size?: 'small' | 'large'
  /** Pixels of the picture. Default 14. */
  readonly iconSize?: number
}

/** A press without words: a picture with a name, and no frame. */
export function IconButton({
  icon,
  label,
  size = 'small',
  iconSize = 14,
  title = label,
  ...rest
}: IconButtonProps) {
  return (
    <button
      {...rest}
      type="button"
      className={styles['button']}
      data-size={size}
      aria-label={label}
      title={title}
    >
      <Icon name={icon} size={iconSize} />
    </button>
  )
}
