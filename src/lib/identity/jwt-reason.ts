import { errors } from 'jose'

/** What is wrong with a token, for the log. */
export interface Fault {
  readonly reason: string
  readonly claim?: string
}

const REASONS: Readonly<Record<string, string>> = {
  [errors.JWSInvalid.code]: 'malformed',
  [errors.JWTInvalid.code]: 'malformed',
  [errors.JOSENotSupported.code]: 'not_supported', // a critical extension
  [errors.JOSEAlgNotAllowed.code]: 'algorithm_not_allowed',
  [errors.JWKSNoMatchingKey.code]: 'unknown_key',
  [errors.JWKSMultipleMatchingKeys.code]: 'ambiguous_key', // no key id, and more than one key that would do
  [errors.JWSSignatureVerificationFailed.code]: 'bad_signature',
  [errors.JWTExpired.code]: 'expired',
}

const FAILED_CHECKS: Readonly<Record<string, string>> = {
  iss: 'wrong_issuer',
  aud: 'wrong_audience',
  nbf: 'not_yet_valid',
  iat: 'not_yet_valid',
}

/** What a rejected verification says about the token; null where it says nothing about it, but that the keys could not be had. */
export function faultOf(error: unknown): Fault | null {
  if (error instanceof errors.JWTClaimValidationFailed) {
    const { claim, reason } = error
    if (reason === 'missing') return { reason: 'missing_claim', claim }
    return { reason: (reason === 'check_failed' ? FAILED_CHECKS[claim] : undefined) ?? 'bad_claim', claim }
  }
  const reason = error instanceof errors.JOSEError ? REASONS[error.code] : undefined
  return reason === undefined ? null : { reason }
}
