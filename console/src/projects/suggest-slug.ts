const LONGEST = 63

/** A slug as one would write it for this name: `Grüße & Co` → `grusse-co`. Empty where nothing of the name can stand in one. */
export function suggestSlug(name: string): string {
  const plain = name.normalize('NFKD').replaceAll('ß', 'ss').replace(/\p{Mark}/gu, '').toLowerCase()
  return plain.replace(/[^a-z0-9]+/g, '-').replace(/^-+/, '').slice(0, LONGEST).replace(/-+$/, '')
}

/** What is wrong with what was typed as a slug; null: nothing, or nothing yet. */
export function faultOfSlug(slug: string): string | null {
  if (slug === '' || /^[a-z0-9][a-z0-9-]{0,62}$/.test(slug)) return null
  return slug.length > LONGEST ? `A slug has at most ${LONGEST} characters.` : 'A slug has only the letters a to z in lower case, digits and "-", and begins with a letter or digit.'
}
