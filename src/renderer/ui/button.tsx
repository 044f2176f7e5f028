import type { ComponentPropsWithRef } from 'react'
import styles from './button.module.css'
import { Icon, type IconName } from './icon.tsx'

type ButtonProps = Omit<ComponentPropsWithRef<'button'>, 'type' | 'className'> & {
  /** `primary` is the one thing that the place is for; `quiet` has no frame; `danger` takes something away. */
  readonly look?: 'plain' | 'primary' | 'quiet' | 'danger'
  readonly icon?: IconName
}

/** A press that does something, in the page's own look. */
export function Button({ look = 'plain', icon, children, ...rest }: ButtonProps) {
  return (
    <button {...rest} type="button" className={styles['button']} data-look={look}>
      {icon && <Icon name={icon} size={14} />}
      {children}
    </button>
  )
}
