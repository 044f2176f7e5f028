/** The values that an object really has: in changes and options `undefined` means absent, and must not hide what is under it. */
export function definedOf<Value extends object>(
  value: Value,
): { [Key in keyof Value]?: Exclude<Value[Key], undefined> } {
  // The entries are the object's own; only those that are undefined are left out.
  return Object.fromEntries(Object.entries(value).filter(([, each]) => each !== undefined)) as {
    [Key in keyof Value]?: Exclude<Value[Key], undefined>
  }
}
