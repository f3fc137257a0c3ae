/** What says that it is a T: every field goes by its name in the API, and none is of its type until it has been looked at. */
export type Untrusted<T> = { readonly [Field in keyof T]?: unknown };
