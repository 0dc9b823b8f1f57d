package awsapi

import (
	"context"
	"slices"

	"weir/internal/ec2"
)

// What Amazon says of a region or a zone that an account need not ask for.
const noOptIn = "opt-in-not-required"

// describeRegions answers with the address that the client came by: at Amazon's for the
// region nobody would know what this network has.
func (a *API) describeRegions(ctx context.Context, in *ec2.DescribeRegions) (*ec2.DescribeRegionsAnswer, error) {
	host, _ := ctx.Value(hostKey{}).(string)
	all := []ec2.Region{{Name: a.cfg.Region, Endpoint: host, OptInStatus: noOptIn}}
	m, err := newMatcher(in.Filters, map[string]func(*ec2.Region) []string{
		"endpoint":      one(func(r *ec2.Region) string { return r.Endpoint }),
		"opt-in-status": one(func(r *ec2.Region) string { return r.OptInStatus }),
		"region-name":   one(func(r *ec2.Region) string { return r.Name }),
	}, nil)
	if err != nil {
		return nil, err
	}
	if err := known("RegionName", in.RegionNames, []string{a.cfg.Region}); err != nil {
		return nil, err
	}
	return &ec2.DescribeRegionsAnswer{Regions: slices.DeleteFunc(all, func(r ec2.Region) bool { return !m.match(&r) })}, nil
}

func (a *API) describeAvailabilityZones(_ context.Context, in *ec2.DescribeAvailabilityZones) (*ec2.DescribeAvailabilityZonesAnswer, error) {
	n := a.cfg.Model().Network()
	all := make([]ec2.AvailabilityZone, 0, len(n.Zones))
	var names, ids []string
	for _, z := range n.Zones {
		names, ids = append(names, z.Name), append(ids, z.ID)
		all = append(all, ec2.AvailabilityZone{
			Name: z.Name, ID: z.ID, State: "available", Region: n.Region, GroupName: n.Region, NetworkBorderGroup: n.Region,
			ZoneType: "availability-zone", OptInStatus: noOptIn,
		})
	}
	m, err := newMatcher(in.Filters, zoneAttrs(), nil)
	if err != nil {
		return nil, err
	}
	if err := known("ZoneName", in.ZoneNames, names); err != nil {
		return nil, err
	}
	if err := known("ZoneId", in.ZoneIDs, ids); err != nil {
		return nil, err
	}
	all = slices.DeleteFunc(all, func(z ec2.AvailabilityZone) bool {
		return len(in.ZoneNames) > 0 && !slices.Contains(in.ZoneNames, z.Name) ||
			len(in.ZoneIDs) > 0 && !slices.Contains(in.ZoneIDs, z.ID) || !m.match(&z)
	})
	return &ec2.DescribeAvailabilityZonesAnswer{Zones: all}, nil
}

// known refuses the names of regions and zones that there are not. The message is
// a guess: that of other calls that get the name of a zone.
func known(parameter string, names, have []string) error {
	for _, name := range names {
		if !slices.Contains(have, name) {
			return ec2.NoEnumValue.With(name, parameter)
		}
	}
	return nil
}

// zoneAttrs are the filters of DescribeAvailabilityZones (the service model
// of botocore, read 2026-11-24).
func zoneAttrs() map[string]func(*ec2.AvailabilityZone) []string {
	type zone = ec2.AvailabilityZone
	attrs := map[string]func(*zone) []string{
		"group-name":    one(func(z *zone) string { return z.GroupName }),
		"opt-in-status": one(func(z *zone) string { return z.OptInStatus }),
		"region-name":   one(func(z *zone) string { return z.Region }),
		"state":         one(func(z *zone) string { return z.State }),
		"zone-id":       one(func(z *zone) string { return z.ID }),
		"zone-name":     one(func(z *zone) string { return z.Name }),
		"zone-type":     one(func(z *zone) string { return z.ZoneType }),
	}
	unknown(attrs, "group-long-name", "message", "parent-zone-id", "parent-zone-name")
	return attrs
}
