//go:build !linux && !darwin

package journal

import "os"

func lockFile(string) (*os.File, error) { return nil, ErrNotSupported }
func freeBytes(string) (uint64, error)  { return 0, ErrNotSupported }
