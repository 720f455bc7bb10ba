import type { Settings } from '../api/settings.ts'
import { Badge } from '../design/badge.tsx'
import { Section } from '../design/section.tsx'
import { placeName, useHere } from '../shell/place-context.ts'
import { InheritedChat, InheritedInstructions, Told, inheritedModel } from './inherited.tsx'

/** For those who may read them, and not more. */
export function ReadSettings({ settings }: { readonly settings: Settings }) {
  const { scope } = useHere()
  return (
    <>
      <Section title="Chat">
        <InheritedChat />
        <div>{settings.ai_enabled ? <Badge tone="good">On</Badge> : <Badge tone="warn">Off: nobody can ask here</Badge>}</div>
      </Section>
      <Section title="Instructions" about="What the model is told with every question here.">
        <InheritedInstructions />
        <Told title={`Instructions of ${placeName(scope)}`} text={settings.instructions} />
      </Section>
      {settings.model !== undefined && <Section title="Model"><p>{settings.model ?? inheritedModel(scope)}</p></Section>}
    </>
  )
}
