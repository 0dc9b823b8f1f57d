//go:build !linux

package vpc

import "context"

func (r *Resolver) run(context.Context) error { return ErrNotSupported }
