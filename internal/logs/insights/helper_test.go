package insights

import "unsafe"

// unsafeString returns a string that changes with b.
func unsafeString(b []byte) string { return unsafe.String(&b[0], len(b)) }
