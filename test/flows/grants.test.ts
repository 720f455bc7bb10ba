import { describe, expect, test } from 'vitest'
import { z } from 'zod'
import type { Directory, Place } from '../../src/index.ts'
import { said } from '../support/client.ts'
import { databaseKinds } from '../support/databases.ts'
import { expectSound } from '../support/grammar.ts'
import { callsTools, says, scriptedModel } from '../support/scripted-model.ts'
import { answerTo, freshThread, must, toolResults, useStage } from '../support/stage.ts'

const org: Place = { id: 'host-org-1', slug: 'acme', name: 'Acme' }
const project: Place = { id: 'host-project-1', slug: 'apollo', name: 'Apollo' }

/** A host's directory whose grants are asked for again at every boundary. */
function hostDirectory(grants: () => readonly string[]): Directory {
  return {
    access: async (who, target) =>
      who.subject === 'bob' && target.org === 'acme' ? { role: 'member', grants: grants(), org, ...(target.project !== undefined && { project }) } : null,
    projects: async () => [project],
  }
}

describe.each(databaseKinds)('grants of a host on $name', (kind) => {
  const stage = useStage(kind)
  const ran: unknown[] = []
  const refund = {
    name: 'refund_status', description: 'Says how a refund stands.', input: z.object({}), effect: 'read' as const, requires: 'billing',
    run: () => ran.push('refund'),
  }

  function begin(grants: () => readonly string[]) {
    const model = scriptedModel(callsTools(['refund_status', {}]), says('Done.'))
    const { ambit } = stage.start({ model, tools: [refund as never], directory: hostDirectory(grants), authenticate: async () => ({ subject: 'bob', kind: 'person' }) })
    return { model, ambit }
  }

  test('with the grant a tool is offered and runs', async () => {
    const before = ran.length
    const { model, ambit } = begin(() => ['billing'])
    expectSound(await answerTo(stage, ambit, { thread: freshThread() }))
    expect(must(model.calls[0]?.tools).map((tool) => tool.name)).toContain('refund_status')
    expect(ran.length - before).toBe(1)
  })

  test('without it the tool is not there: not offered, and unknown when it is called', async () => {
    const before = ran.length
    const { model, ambit } = begin(() => ['shipping'])
    const streamed = await answerTo(stage, ambit, { thread: freshThread() })
    expectSound(streamed)
    expect(must(model.calls[0]?.tools).map((tool) => tool.name)).toEqual(['search_documents', 'read_document'])
    expect(toolResults(model.calls[1])[0]?.output).toEqual({ type: 'error-text', value: 'There is no such tool here.' })
    expect(ran.length - before).toBe(0)
  })

  test('a grant that is lost between the call and its start: the call is not run, and the model is told', async () => {
    const before = ran.length
    let asked = 0
    const { model, ambit } = begin(() => ((asked += 1) === 1 ? ['billing'] : []))
    const streamed = await answerTo(stage, ambit, { thread: freshThread() })
    expectSound(streamed)
    expect(toolResults(model.calls[1])[0]?.output).toEqual({ type: 'error-text', value: 'This tool is no longer yours to use.' })
    expect(said(streamed.chunks)).toBe('Done.')
    expect(ran.length - before).toBe(0)
    expect((model.calls[1]?.tools ?? []).map((tool) => tool.name)).not.toContain('refund_status')
  })

  test('a grant that is given in mid-run is not added to it', async () => {
    let asked = 0
    const { model, ambit } = begin(() => ((asked += 1) === 1 ? [] : ['billing']))
    expectSound(await answerTo(stage, ambit, { thread: freshThread() }))
    expect((model.calls[1]?.tools ?? []).map((tool) => tool.name)).not.toContain('refund_status')
  })

  test('access that is lost in mid-run ends it with one error', async () => {
    let asked = 0
    const directory = hostDirectory(() => ['billing'])
    const model = scriptedModel(callsTools(['refund_status', {}]), says('Done.'))
    const { ambit } = stage.start({
      model, tools: [refund as never], authenticate: async () => ({ subject: 'bob', kind: 'person' }),
      directory: { ...directory, access: async (who, target) => ((asked += 1) === 1 ? directory.access(who, target) : null) },
    })
    const streamed = await answerTo(stage, ambit, { thread: freshThread() })
    expectSound(streamed)
    expect(streamed.chunks.at(-1)).toEqual({ type: 'error', errorText: 'What you may see here changed while this was being answered. Ask again.' })
    expect(model.calls).toHaveLength(1)
  })
})
