import { Component } from 'react'
import type { ReactNode } from 'react'
import { Problem } from '../design/problem.tsx'

/** Keeps what breaks on a page to that page. */
export class Broken extends Component<{ readonly children: ReactNode }, { readonly error: unknown }> {
  override state: { readonly error: unknown } = { error: null }

  static getDerivedStateFromError(error: unknown) {
    return { error: error ?? new Error('Nothing was thrown.') }
  }

  override componentDidCatch(error: unknown) {
    console.error(error)
  }

  override render() {
    // A part that is not there any more belongs to a build that was replaced: the page as a whole is loaded anew.
    return this.state.error === null ? this.props.children : <Problem error={this.state.error} retry={() => location.reload()} />
  }
}
