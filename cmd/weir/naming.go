package main

import (
	"cmp"
	"context"
	"fmt"
	"net/netip"
	"time"

	"github.com/spf13/cobra"

	"weir/internal/awsconfig"
	"weir/internal/ec2client"
	"weir/internal/names"
	"weir/internal/query"
	"weir/record"
)

// namingOptions are the flags of commands that show names.
type namingOptions struct {
	paths []string
	books []*names.Book
}

// namesAPI is what --names takes for the API.
const namesAPI = "api"

func (o *namingOptions) addFlags(cmd *cobra.Command) {
	cmd.Flags().StringArrayVar(&o.paths, "names", nil,
		`call addresses and interfaces by name: a file or directory of what "aws ec2 describe-..." printed, a CSV file of name,address, Amazon's ip-ranges.json, or "api" to ask EC2; may be repeated`)
}

// load reads the names, from what is given first on.
func (o *namingOptions) load(ctx context.Context, command string, aws awsconfig.Options) error {
	var files []string
	for _, p := range o.paths {
		if p != namesAPI {
			files = append(files, p)
		}
	}
	if len(files) > 0 {
		b, err := names.Load(files)
		if err != nil {
			return hintError{fmt.Errorf("%s: --names: %w", command, err), `a file or directory of what "aws ec2 describe-..." printed, or a CSV file; see docs/names.md`}
		}
		o.books = append(o.books, b)
	}
	if len(files) == len(o.paths) {
		return nil
	}
	c, err := ec2client.New(ctx, aws)
	if err == nil {
		var b *names.Book
		if b, err = names.Ask(ctx, c, time.Now()); err == nil {
			o.books = append(o.books, b)
		}
	}
	if err != nil {
		return fmt.Errorf("%s: --names %s: %w", command, namesAPI, err)
	}
	return nil
}

// on reports whether names are shown.
func (o *namingOptions) on() bool { return len(o.books) > 0 }

// named says which columns have names.
func named(c query.Column) bool {
	switch c.Field {
	case record.InterfaceID, record.InstanceID, record.SubnetID, record.VPCID, record.NextHopInterfaceID:
		return true
	}
	return c.Field.IsAddr()
}

// of returns what a value is called at a time, in Unix seconds, seen from a VPC;
// "" if it has no name.
func (o *namingOptions) of(c query.Column, value, vpc string, unix int64) string {
	at := time.Unix(unix, 0)
	for _, b := range o.books {
		if !c.Field.IsAddr() {
			if name, ok := b.ID(value, at); ok {
				return name
			}
		} else if a, err := netip.ParseAddr(value); err == nil {
			if name, ok := b.AddrIn(vpc, a, at); ok {
				return name
			}
		}
	}
	return ""
}

// during returns what a value is called from one time to another: both names, if it
// changed hands. Without times it has no name.
func (o *namingOptions) during(c query.Column, value string, start, end int64) string {
	if start == 0 && end == 0 {
		return ""
	}
	first, last := o.of(c, value, "", cmp.Or(start, end)), o.of(c, value, "", cmp.Or(end, start))
	switch {
	case first == "" || first == last:
		return last
	case last == "":
		return first
	}
	return first + ", later " + last
}

// addr returns what an address is called at a time, with the address.
func (o *namingOptions) addr(a netip.Addr, unix int64) string {
	return o.of(columnOf(record.SrcAddr), a.String(), "", unix)
}
