package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"

	"github.com/spf13/cobra"

	"weir/internal/awsconfig"
	"weir/internal/described"
	"weir/internal/ec2client"
	"weir/internal/vpc"
)

// rulesOptions are the flags of commands that know a network's rules.
type rulesOptions struct{ paths []string }

// rulesAPI is what --rules takes for the API.
const rulesAPI = "api"

func (o *rulesOptions) addFlags(cmd *cobra.Command) {
	cmd.Flags().StringArrayVar(&o.paths, "rules", nil,
		`security groups and network ACLs: weir.yaml, a file or directory of what "aws ec2 describe-..." printed, or "api" to ask EC2; may be repeated`)
}

// given reports whether rules were asked for.
func (o *rulesOptions) given() bool { return len(o.paths) > 0 }

// load returns the network with its rules, and writes what is missing in it to stderr.
// Without --rules the network is nil.
func (o *rulesOptions) load(ctx context.Context, command string, aws awsconfig.Options, stderr io.Writer) (*vpc.Network, error) {
	if !o.given() {
		return nil, nil
	}
	n, missing, err := o.network(ctx, aws)
	if err != nil {
		return nil, fmt.Errorf("%s: --rules: %w", command, err)
	}
	for _, text := range missing {
		fmt.Fprintf(stderr, "weir: --rules: %s\n", text)
	}
	return n, nil
}

func (o *rulesOptions) network(ctx context.Context, aws awsconfig.Options) (*vpc.Network, []string, error) {
	if !slices.Contains(o.paths, rulesAPI) {
		return described.Load(o.paths)
	}
	if len(o.paths) > 1 {
		// What the API says is all there is now: files could only add what is gone.
		return nil, nil, usageError{errors.New(`"api" goes with no other`), "files, or api alone"}
	}
	c, err := ec2client.New(ctx, aws)
	if err != nil {
		return nil, nil, err
	}
	return described.Ask(ctx, c)
}
