import { Ellipsis, Lock, Pencil, Settings2, Trash2, Users } from 'lucide-react'
import { useState } from 'react'
import { Link } from '../address/link.tsx'
import { addressIn, navigate } from '../address/navigation.ts'
import type { Project } from '../api/projects.ts'
import { Badge } from '../design/badge.tsx'
import { IconButton } from '../design/button.tsx'
import { Menu } from '../design/menu.tsx'
import { Row } from '../design/rows.tsx'
import { roleName } from '../people/roles.ts'
import { useHere } from '../shell/place-context.ts'
import { DeleteProject } from './delete-project.tsx'
import { EditProject } from './project-form.tsx'

/** A project that its reader may see: the way to its chats, and what may be changed of it. */
export function ProjectRow({ project }: { readonly project: Project }) {
  const { scope } = useHere()
  const [asking, setAsking] = useState<'edit' | 'delete' | null>(null)
  const place = { org: scope.org.slug, project: project.slug }
  const may = project.role === 'owner' || project.role === 'admin'
  const close = () => setAsking(null)
  return (
    <>
      <Row
        title={<Link to={addressIn(place, 'chats')}>{project.name}</Link>} id={project.slug}
        badges={project.visibility === 'private' && <Badge><Lock size={11} aria-hidden /> Private</Badge>}
        about={project.about === '' ? 'Nothing is said about it.' : project.about}
        side={<Badge>You: {roleName(project.role).toLowerCase()}</Badge>}
        menu={
          <Menu
            trigger={<IconButton label={`More about ${project.name}`} small><Ellipsis size={16} /></IconButton>}
            groups={[
              [
                ...(may ? [{ label: 'Change', icon: <Pencil size={16} />, act: () => setAsking('edit') }] : []),
                { label: 'People', icon: <Users size={16} />, act: () => navigate(addressIn(place, 'people')) },
                { label: 'Instructions and model', icon: <Settings2 size={16} />, act: () => navigate(addressIn(place, 'settings')) },
              ],
              may ? [{ label: 'Delete', icon: <Trash2 size={16} />, danger: true, act: () => setAsking('delete') }] : [],
            ]}
          />
        }
      />
      {asking === 'edit' && <EditProject project={project} close={close} />}
      {asking === 'delete' && <DeleteProject project={project} close={close} />}
    </>
  )
}
