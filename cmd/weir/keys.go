package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"weir/internal/accesskey"
	"weir/internal/vpc"
)

// keysOptions are the flags of every command of weir keys.
type keysOptions struct {
	data string
	json bool
}

func newKeys() *cobra.Command {
	var o keysOptions
	cmd := &cobra.Command{
		Use:   "keys",
		Short: "List, create and delete access keys of the service",
		Long: `List, create and delete the access keys with which clients sign what they ask of
"weir serve". Each may do everything. They are in the file access-keys.json of the
data directory, which only its owner may read; a service that runs takes changes
into use within two seconds.

The first is the root key, which weir itself uses.` + exitHelp,
		Example: `  sudo weir keys list
  sudo weir keys create --name laptop
  sudo weir keys delete AKIAIOSFODNN7EXAMPLE`,
		Args: usage(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	f := cmd.PersistentFlags()
	f.StringVar(&o.data, "data", vpc.Default().Serve.DataDir, "data directory of weir serve")
	f.BoolVar(&o.json, "json", false, "print JSON")
	cmd.AddCommand(newKeysList(&o), newKeysCreate(&o), newKeysDelete(&o))
	return cmd
}

func newKeysList(o *keysOptions) *cobra.Command {
	return &cobra.Command{
		Use:     "list",
		Short:   "List access keys, without their secrets",
		Long:    "List access keys, the root key first, without their secrets." + exitHelp,
		Example: "  sudo weir keys list\n  sudo weir keys list --json",
		Args:    usage(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error {
			keys, err := accesskey.Load(o.data)
			if err != nil {
				return o.failed("list", err)
			}
			return o.list(cmd.OutOrStdout(), keys)
		},
	}
}

// keyShown is a key without its secrets.
type keyShown struct {
	ID      string    `json:"accessKeyId"`
	Name    string    `json:"name,omitempty"`
	Created time.Time `json:"created,omitzero"`
	Root    bool      `json:"root"`
	Token   bool      `json:"hasSessionToken,omitempty"`
}

func (o *keysOptions) list(w io.Writer, keys []accesskey.Key) error {
	shown := make([]keyShown, 0, len(keys))
	for i, k := range keys {
		shown = append(shown, keyShown{k.ID, k.Name, k.Created.UTC(), i == 0, k.Token != ""})
	}
	if o.json {
		return json.NewEncoder(w).Encode(shown)
	}
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "ACCESS KEY ID\tCREATED\tNAME")
	for _, k := range shown {
		created, name := "-", k.Name
		if !k.Created.IsZero() {
			created = k.Created.Format(time.RFC3339)
		}
		if name == "" {
			name = "-"
		}
		fmt.Fprintf(t, "%s\t%s\t%s\n", k.ID, created, name)
	}
	return t.Flush()
}

func newKeysCreate(o *keysOptions) *cobra.Command {
	var name string
	cmd := &cobra.Command{
		Use:   "create",
		Short: "Create an access key and print it",
		Long: `Create an access key and print it, as lines for a shell or as JSON. The secret is in
the data directory only; keep what is printed where the client needs it.` + exitHelp,
		Example: `  sudo weir keys create --name laptop
  eval "$(sudo weir keys create)"`,
		Args: usage(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error {
			k, err := accesskey.Add(o.data, name, time.Now())
			if err != nil {
				return o.failed("create", err)
			}
			if o.json {
				return json.NewEncoder(cmd.OutOrStdout()).Encode(k)
			}
			_, err = fmt.Fprintf(cmd.OutOrStdout(), "export AWS_ACCESS_KEY_ID=%s\nexport AWS_SECRET_ACCESS_KEY=%s\n", k.ID, k.Secret)
			return err
		},
	}
	cmd.Flags().StringVar(&name, "name", "", "whose the key is, or what it is for")
	return cmd
}

func newKeysDelete(o *keysOptions) *cobra.Command {
	return &cobra.Command{
		Use:   "delete ID",
		Short: "Delete an access key",
		Long: `Delete an access key. A service that runs refuses it within two seconds. The root
key cannot be deleted.

Exit status: 0 done, 1 failed, 2 wrong usage, 3 there is no such key.`,
		Example:           "  sudo weir keys delete AKIAIOSFODNN7EXAMPLE",
		Args:              usage(cobra.ExactArgs(1)),
		ValidArgsFunction: o.complete,
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := accesskey.Delete(o.data, args[0]); err != nil {
				return o.failed("delete", err)
			}
			if !o.json {
				return nil
			}
			return json.NewEncoder(cmd.OutOrStdout()).Encode(map[string]string{"deleted": args[0]})
		},
	}
}

// complete completes the id of a key that can be deleted.
func (o *keysOptions) complete(_ *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
	keys, err := accesskey.Load(o.data)
	if err != nil || len(args) > 0 {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	var ids []string
	for _, k := range keys[1:] {
		ids = append(ids, k.ID+"\t"+strings.TrimSpace(k.Name))
	}
	return ids, cobra.ShellCompDirectiveNoFileComp
}

// failed says what to do about an error.
func (o *keysOptions) failed(command string, err error) error {
	err = fmt.Errorf("keys %s: %w", command, err)
	switch {
	case errors.Is(err, accesskey.ErrNotFound):
		return foundError{err}
	case errors.Is(err, fs.ErrNotExist):
		return hintError{err, "the data directory of a service is given with --data; the first start of weir serve makes it"}
	case errors.Is(err, fs.ErrPermission) && os.Geteuid() != 0:
		return hintError{err, "run it as root: sudo weir keys " + command}
	}
	return err
}
