package main

import (
	"context"
	"fmt"
	"io"
	"net/netip"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"weir/internal/ec2"
	"weir/internal/eni"
)

// interfacesOptions are the flags of weir interfaces.
type interfacesOptions struct {
	aws      awsOptions
	service  []string
	ip       string
	instance string
	vpc      string
	subnet   string
}

func newInterfaces() *cobra.Command {
	var o interfacesOptions
	cmd := &cobra.Command{
		Use:   "interfaces [ID...]",
		Short: "List the network interfaces that flow logs can watch",
		Long: `List network interfaces: those with the given ids, or all of the region, with the
service that each belongs to.

Amazon's services put interfaces of their own into a VPC: a load balancer has one in
each subnet, a database one for each instance. --service finds them; elb are all
load balancers. Every option narrows the list.

On a narrow terminal columns are left out and long values cut; a pipe gets all, and
--json what the API answers, plus Service.` + awsHelp + `
Exit status: 0 done, 1 failed, 2 wrong usage, 3 nothing found.`,
		Example: `  weir interfaces --service elb
  weir interfaces --ip 10.0.1.5
  weir interfaces --vpc vpc-0a1b2c3d --service rds,elasticache --json`,
		RunE: func(cmd *cobra.Command, args []string) error {
			return runInterfaces(cmd.Context(), &o, args, cmd.OutOrStdout())
		},
	}
	o.aws.addFlags(cmd)
	f := cmd.Flags()
	f.StringSliceVar(&o.service, "service", nil, "only those of these services: "+strings.Join(eni.Services(), ", "))
	f.StringVar(&o.ip, "ip", "", "only the one with this address, private or public")
	f.StringVar(&o.instance, "instance", "", "only those of this instance")
	f.StringVar(&o.vpc, "vpc", "", "only those in this VPC")
	f.StringVar(&o.subnet, "subnet", "", "only those in this subnet")
	cobra.CheckErr(cmd.RegisterFlagCompletionFunc("service", cobra.FixedCompletions(eni.Services(), cobra.ShellCompDirectiveNoFileComp)))
	cmd.ValidArgsFunction = cobra.NoFileCompletions
	return cmd
}

func (o *interfacesOptions) check(ids []string) error {
	for _, id := range ids {
		if !strings.HasPrefix(id, "eni-") {
			return usageError{fmt.Errorf("interfaces: %q is not the id of an interface", id), "eni-...; --vpc, --subnet and --instance take other ids"}
		}
	}
	for _, s := range o.service {
		if !slices.Contains(eni.Services(), s) {
			return usageError{fmt.Errorf("interfaces: --service %s: unknown", s), "known are " + strings.Join(eni.Services(), ", ")}
		}
	}
	if o.ip != "" {
		addr, err := netip.ParseAddr(o.ip)
		if err != nil {
			return usageError{fmt.Errorf("interfaces: --ip: %w", err), "one address, such as 10.0.1.5"}
		}
		o.ip = addr.Unmap().String()
	}
	return nil
}

func runInterfaces(ctx context.Context, o *interfacesOptions, ids []string, stdout io.Writer) error {
	if err := o.check(ids); err != nil {
		return err
	}
	c, err := o.aws.client(ctx, "interfaces")
	if err != nil {
		return err
	}
	// What these filters say every service of the kind understands; the rest is
	// looked at here.
	var filters []ec2.Filter
	for _, f := range []struct{ name, value string }{
		{"vpc-id", o.vpc}, {"subnet-id", o.subnet}, {"attachment.instance-id", o.instance},
	} {
		if f.value != "" {
			filters = append(filters, ec2.Filter{Name: f.name, Values: []string{f.value}})
		}
	}
	list, err := c.NetworkInterfaces(ctx, ids, filters...)
	if err != nil {
		return fmt.Errorf("interfaces: %w", err)
	}
	list = slices.DeleteFunc(list, func(i ec2.NetworkInterface) bool { return !o.wants(&i) })
	slices.SortStableFunc(list, func(a, b ec2.NetworkInterface) int { return strings.Compare(a.ID, b.ID) })
	if o.aws.json {
		if err := printJSON(stdout, interfacesToJSON(list)); err != nil {
			return err
		}
	} else if len(list) > 0 {
		if err := interfacesTable(list).write(stdout, widthOf(stdout)); err != nil {
			return err
		}
	}
	if len(list) == 0 {
		return notFound("interfaces: no interface in region %s%s", c.Region(),
			narrowed(len(ids)+len(o.service) > 0 || o.ip+o.instance+o.vpc+o.subnet != ""))
	}
	return nil
}

// wants reports whether an interface is one of those asked for.
func (o *interfacesOptions) wants(i *ec2.NetworkInterface) bool {
	if o.ip != "" && !slices.ContainsFunc(eni.Addresses(i), func(s string) bool {
		a, err := netip.ParseAddr(s)
		return err == nil && a.String() == o.ip
	}) {
		return false
	}
	return len(o.service) == 0 || slices.ContainsFunc(o.service, func(s string) bool { return eni.BelongsTo(i, s) })
}

func interfacesTable(list []ec2.NetworkInterface) *table {
	t := &table{columns: []column{
		{"ID", false, 0}, {"NAME", true, 2}, {"ADDRESS", true, 1}, {"SERVICE", false, 3}, {"STATUS", false, 6},
		{"INSTANCE", false, 8}, {"SUBNET", false, 7}, {"VPC", false, 9}, {"GROUPS", true, 5}, {"DESCRIPTION", true, 4},
	}}
	for n := range list {
		i := &list[n]
		var groups []string
		for _, g := range i.Groups {
			groups = append(groups, g.ID)
		}
		attached := ""
		if i.Attachment != nil {
			attached = i.Attachment.InstanceID
		}
		t.add(i.ID, eni.Tag(i.Tags, "Name"), strings.Join(eni.Addresses(i), ","), eni.Service(i), i.Status,
			attached, i.SubnetID, i.VPCID, strings.Join(groups, ","), i.Description)
	}
	return t
}
