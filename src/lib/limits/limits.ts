/** Every bound that a host may move. Frozen into the context of a run, so that it ends under the limits it began with. */
export interface Limits {
  /** Bytes of a request body that are read at all. */
  readonly bodyBytes: number
  /** Bytes of the last message as it was sent. */
  readonly messageBytes: number
  /** Characters of text in a message. */
  readonly messageChars: number
  /** Bytes of a text file. */
  readonly textFileBytes: number
  /** Bytes of an image. */
  readonly imageFileBytes: number
  /** Bytes of all images of a message, and of all that the model is shown at a time. */
  readonly imagesBytes: number
  /** Images of earlier messages that the model is shown. */
  readonly historyImages: number
  /** Files of one person in one place that no message names yet. */
  readonly unsentFiles: number
  /** Messages of a thread that the model is shown. */
  readonly historyMessages: number
  /** Tokens that the model is told when a run begins, estimated: what has the lowest priority is left out first. */
  readonly contextTokens: number
  /** Projects in an organisation scope. */
  readonly projects: number
  /** Model calls in a run. */
  readonly steps: number
  /** Tool calls in a run. */
  readonly calls: number
  /** Tool calls at a time. */
  readonly parallelCalls: number
  /** Bytes of a call's arguments. */
  readonly argumentBytes: number
  /** Bytes of a tool's result as JSON. */
  readonly resultBytes: number
  /** Milliseconds for one tool call. */
  readonly toolMs: number
  /** Milliseconds until the model's first sign of life. */
  readonly modelFirstMs: number
  /** Milliseconds without a sign of life from the model after that. */
  readonly modelIdleMs: number
  /** Milliseconds for a whole model call, its retries included. */
  readonly modelMs: number
  /** How often a model call that failed before its first word is tried again. */
  readonly modelRetries: number
  /** Milliseconds before the first of these; they double. */
  readonly modelRetryMs: number
  /** Messages that wait in a thread while another one is being answered. */
  readonly queue: number
  /** Milliseconds for a whole run. */
  readonly runMs: number
  /** Bytes of frames in a run. */
  readonly runBytes: number
  /** Frames in a run. */
  readonly runFrames: number
  /** How often the model call of a step is dropped and made again, when it breaks off after its first word. */
  readonly stepRetries: number
  /** Milliseconds of silence after which a reader gets a heartbeat. */
  readonly heartbeatMs: number
  /** Milliseconds between two questions to the directory about what a run or a stream uses: what is taken away is noticed by the next. The node's own. */
  readonly scopeMs: number
  /** Milliseconds for which a reader may leave what it was sent untaken: then its connection is reset. */
  readonly stallMs: number
  /** Milliseconds for which one connection may follow: then it is reset, and the reader takes the stream up again. */
  readonly streamMs: number
  /** Streams of one person in one organisation at a time, on one node. */
  readonly userStreams: number
  /** Streams of one organisation at a time, on one node. */
  readonly orgStreams: number
  /** Streams of one node at a time. */
  readonly nodeStreams: number
}

export const DEFAULT_LIMITS: Limits = {
  bodyBytes: 16_000_000,
  messageBytes: 1_000_000,
  messageChars: 100_000,
  textFileBytes: 1_000_000,
  imageFileBytes: 5_000_000,
  imagesBytes: 12_000_000,
  historyImages: 4,
  unsentFiles: 50,
  historyMessages: 200,
  contextTokens: 100_000,
  projects: 5_000,
  steps: 25,
  calls: 100,
  parallelCalls: 8,
  argumentBytes: 64_000,
  resultBytes: 256_000,
  toolMs: 60_000,
  modelFirstMs: 60_000,
  modelIdleMs: 60_000,
  modelMs: 5 * 60_000,
  modelRetries: 2,
  modelRetryMs: 1_000,
  queue: 10,
  runMs: 15 * 60_000,
  runBytes: 50_000_000,
  runFrames: 200_000,
  stepRetries: 1,
  heartbeatMs: 15_000,
  scopeMs: 4_000,
  stallMs: 30_000,
  streamMs: 30 * 60_000,
  userStreams: 20,
  orgStreams: 200,
  nodeStreams: 3_000,
}
