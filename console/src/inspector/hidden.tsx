import { EyeOff } from 'lucide-react'
import { Empty } from '../design/empty.tsx'

/** In the place of what a reader may not see. */
export function Hidden() {
  return <Empty icon={<EyeOff size={28} />} title="Not yours to see">This run has read from a project that you are not in. That it ran is told to everybody in this thread; what it read and did is not.</Empty>
}
