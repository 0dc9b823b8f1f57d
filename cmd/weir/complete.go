package main

import (
	"context"
	"net"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"weir/internal/capture"
	"weir/record"
)

func completeInterfaces(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
	var names []string
	list, err := net.Interfaces()
	if err != nil {
		return nil, cobra.ShellCompDirectiveError
	}
	for _, i := range list {
		names = append(names, i.Name)
	}
	return names, cobra.ShellCompDirectiveNoFileComp
}

// completeFormat completes the last of the names joined by plus signs or commas.
func completeFormat(_ *cobra.Command, _ []string, typed string) ([]string, cobra.ShellCompDirective) {
	done := typed[:strings.LastIndexAny(typed, "+, ")+1]
	var names []string
	if done == "" {
		names = []string{"default", "v3", "v4", "v5", "all"}
	}
	for _, f := range record.AllFields() {
		names = append(names, done+f.Name())
	}
	return names, cobra.ShellCompDirectiveNoFileComp | cobra.ShellCompDirectiveNoSpace
}

func completeExclusions(_ *cobra.Command, _ []string, typed string) ([]string, cobra.ShellCompDirective) {
	done := typed[:strings.LastIndexByte(typed, ',')+1]
	names := []string{done + "default", done + "none"}
	if done == "" {
		names = append(names, "list")
	}
	for _, e := range capture.DefaultExclusions.All() {
		names = append(names, done+e.String())
	}
	return names, cobra.ShellCompDirectiveNoFileComp | cobra.ShellCompDirectiveNoSpace
}

// completeFlowLogs completes ids of flow logs, with the resource of each.
func completeFlowLogs(o *awsOptions) cobra.CompletionFunc {
	return func(cmd *cobra.Command, _ []string, _ string) ([]string, cobra.ShellCompDirective) {
		ctx, cancel := context.WithTimeout(cmd.Context(), 2*time.Second)
		defer cancel()
		c, err := o.client(ctx, cmd.Name())
		if err != nil {
			return nil, cobra.ShellCompDirectiveNoFileComp
		}
		logs, err := c.FlowLogs(ctx, nil)
		if err != nil {
			return nil, cobra.ShellCompDirectiveNoFileComp
		}
		var ids []string
		for i := range logs {
			ids = append(ids, cobra.CompletionWithDesc(logs[i].FlowLogID, logs[i].ResourceID))
		}
		return ids, cobra.ShellCompDirectiveNoFileComp
	}
}
