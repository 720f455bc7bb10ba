import { Component } from 'react'
import type { ReactNode } from 'react'
import { Problem } from '../design/problem.tsx'

interface BrokenProps {
  /** What is shown: what broke one thing says nothing of the next. */
  readonly what: string
  readonly children: ReactNode
}

interface BrokenState {
  readonly what: string
  readonly error: unknown
}

/** Keeps what breaks on a page to that page. */
export class Broken extends Component<BrokenProps, BrokenState> {
  override state: BrokenState = { what: this.props.what, error: null }

  static getDerivedStateFromError(error: unknown) {
    return { error: error ?? new Error('Nothing was thrown.') }
  }

  static getDerivedStateFromProps({ what }: BrokenProps, state: BrokenState): BrokenState | null {
    return what === state.what ? null : { what, error: null }
  }

  override componentDidCatch(error: unknown) {
    console.error(error)
  }

  override render() {
    // A part that is not there any more belongs to a build that was replaced: the page as a whole is loaded anew.
    return this.state.error === null ? this.props.children : <Problem error={this.state.error} retry={() => location.reload()} />
  }
}
