package flowlog

import "weir/internal/ec2"

// An Error is what Amazon's API answers to parameters it does not take: one of the
// kinds of package ec2.
type Error = ec2.Error
