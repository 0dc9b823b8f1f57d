package logs

import (
	"context"
	"errors"
	"fmt"

	"weir/internal/cloudwatch"
)

// unavailable makes an error of the journal one that a call can be answered with. It
// wraps both.
func unavailable(what string, err error) error {
	var own *cloudwatch.Error
	if err == nil || errors.As(err, &own) {
		return err
	}
	if errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return fmt.Errorf("logs: %s: %w", what, err)
	}
	return fmt.Errorf("logs: %s: %w: %w", what, cloudwatch.Unavailable, err)
}
