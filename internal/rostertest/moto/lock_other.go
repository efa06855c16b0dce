//go:build !unix

package moto

import "context"

// lock does nothing where there is no advisory lock to take: two processes may then install at once, and the first to rename its
// folder into place wins.
func lock(context.Context, string) (func(), error) { return func() {}, nil }
