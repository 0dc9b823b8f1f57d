package names

import (
	"context"
	"fmt"
	"time"

	"weir/internal/ec2"
)

// API is what is asked of EC2; a client of package ec2client is one.
type API interface {
	NetworkInterfaces(ctx context.Context, ids []string, filters ...ec2.Filter) ([]ec2.NetworkInterface, error)
	Instances(ctx context.Context, ids []string, filters ...ec2.Filter) ([]ec2.Instance, error)
	Subnets(ctx context.Context, ids []string, filters ...ec2.Filter) ([]ec2.Subnet, error)
	VPCs(ctx context.Context, ids []string, filters ...ec2.Filter) ([]ec2.VPC, error)
}

// Ask returns a book of what EC2 describes now. It is what the same descriptions in
// files of this time would give.
func Ask(ctx context.Context, api API, now time.Time) (*Book, error) {
	l := loader{book: newBook(), instances: map[string]string{}}
	if err := l.ask(ctx, api, max(now.Unix(), 1)); err != nil {
		return nil, err
	}
	l.finish()
	return l.book, nil
}

func (l *loader) ask(ctx context.Context, api API, seen int64) error {
	instances, err := api.Instances(ctx, nil)
	if err != nil {
		return err
	}
	for n := range instances {
		one := &instances[n]
		one.NetworkInterfaces = nil // they are described by themselves
		if err := l.instance(one, seen); err != nil {
			return fmt.Errorf("DescribeInstances: %s: %w", one.ID, err)
		}
	}
	ifaces, err := api.NetworkInterfaces(ctx, nil)
	if err != nil {
		return err
	}
	for n := range ifaces {
		if err := l.iface(&ifaces[n], seen); err != nil {
			return fmt.Errorf("DescribeNetworkInterfaces: %s: %w", ifaces[n].ID, err)
		}
	}
	subnets, err := api.Subnets(ctx, nil)
	if err != nil {
		return err
	}
	for n := range subnets {
		if err := l.subnet(&subnets[n], seen); err != nil {
			return fmt.Errorf("DescribeSubnets: %s: %w", subnets[n].ID, err)
		}
	}
	vpcs, err := api.VPCs(ctx, nil)
	if err != nil {
		return err
	}
	for n := range vpcs {
		if err := l.vpc(&vpcs[n], seen); err != nil {
			return fmt.Errorf("DescribeVpcs: %s: %w", vpcs[n].ID, err)
		}
	}
	return nil
}
