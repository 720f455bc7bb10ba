/** Makes an id of this kind: `org`, `prj`, `key`, `thr`, `msg`, `run`, `doc`, `call`, `node`, `req`. Unguessable, and free of `.`. */
export type NewId = (kind: string) => string
