import { expect, test } from 'vitest'
import { suggestQuestions } from '../../console/src/chat/suggest-questions.ts'

const plan = { title: 'Launch plan', opening: 'Written by Bob Okafor. The launch is on Monday, 14 September 2026.\n\n## Waves\n' }
const runbook = { title: 'Runbook', opening: 'How to go back. A rollback takes 20 minutes at most. Owner: Carol\nMendes.\n\n## When to roll back\n' }
const rules = { title: 'Expenses', opening: 'Version 4, in force from 1 March 2026. Owner: Carol Mendes.\n\n## Before you book\n' }

test('are asked of what the documents say, one of each kind first', () => {
  expect(suggestQuestions([plan, runbook, rules])).toEqual(['How long does a rollback take?', 'When is the launch?', 'Since when is “Expenses” in force?', 'Who is the owner of “Runbook”?'])
})

test('of a document that says nothing of the kind, by its first section or its title', () => {
  expect(suggestQuestions([{ title: 'Notes', opening: 'Some.\n\n## API limits\n' }, { title: 'Ideas', opening: '' }])).toEqual(['What does “Notes” say about API limits?', 'What is in “Ideas”?'])
})

test('are none without documents, never two alike, and four at most', () => {
  expect(suggestQuestions([])).toEqual([])
  expect(suggestQuestions(Array.from({ length: 12 }, () => runbook))).toHaveLength(3)
  expect(suggestQuestions(Array.from({ length: 12 }, (_, at) => ({ ...plan, title: `Plan ${at}` })))).toHaveLength(4)
})
