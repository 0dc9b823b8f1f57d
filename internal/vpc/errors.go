package vpc

import "errors"

// ErrNotSupported is the answer on systems other than Linux.
var ErrNotSupported = errors.New("vpc: host discovery needs Linux")
