//go:build !linux

package vpc

// Interface returns [ErrNotSupported].
func (h *Host) Interface(d Device) (Interface, error) {
	return Interface{Name: d.Name}, ErrNotSupported
}
