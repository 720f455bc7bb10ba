import { EyeOff } from 'lucide-react'
import { Empty } from '../design/empty.tsx'

/** In the place of what a reader may not see. */
export function Hidden() {
  return <Empty icon={<EyeOff size={28} />} title="Hidden from you">This run has read from a project that you are not in. That it ran, everybody who sees this chat is told; what it was told, read and did is shown to those who are in all projects it has read from.</Empty>
}
