const SEEDS = Number(process.env['FAULT_SEEDS'] ?? 3)
const FIRST_SEED = Number(process.env['FAULT_SEED'] ?? 1)

/** Of this run of the matrix. */
export const seeds: readonly number[] = Array.from({ length: SEEDS }, (_, index) => FIRST_SEED + index)

/** Each of these, with each signal and each seed. */
export function cellsOf<T extends object>(places: readonly T[]): readonly (T & { readonly signal: 'SIGKILL' | 'SIGSTOP'; readonly seed: number })[] {
  return (['SIGKILL', 'SIGSTOP'] as const).flatMap((signal) => places.flatMap((place) => seeds.map((seed) => ({ ...place, signal, seed }))))
}
