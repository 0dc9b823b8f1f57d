package described

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"weir/internal/vpc"
)

// maxFile is how long a file may be: descriptions of a hundred thousand interfaces.
const maxFile = 512 << 20

// errNothing is a file in which there is nothing that is looked for.
var errNothing = errors.New("it describes no network: save what aws ec2 describe-security-groups, describe-security-group-rules, " +
	"describe-network-acls, describe-network-interfaces, describe-subnets, describe-vpcs, describe-instances, " +
	"describe-managed-prefix-lists or get-managed-prefix-list-entries prints")

// Load reads a network from files: configurations of Weir (.yaml, .yml), which say what
// they say without this host's devices, and JSON that describe commands printed; of a
// directory, its files that end in .json. What is described twice is what it was in the
// later path, or in the later file of a directory by its name.
//
// The second result is what is missing, in words: sentences without a full stop, which
// a command can print. An error names file, line and field. Files in directories that
// describe other things are skipped; that there is nothing at all in a path is an error.
func Load(paths []string) (*vpc.Network, []string, error) {
	b := newBuilder()
	for _, path := range paths {
		if err := b.path(path); err != nil {
			return nil, nil, err
		}
	}
	n, missing := b.finish()
	return n, missing, nil
}

func (b *builder) path(path string) error {
	info, err := os.Stat(path)
	if err != nil {
		return err
	}
	if !info.IsDir() {
		return b.file(path)
	}
	found := false
	err = filepath.WalkDir(path, func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || strings.ToLower(filepath.Ext(name)) != ".json" {
			return err
		}
		if err = b.file(name); errors.Is(err, errNothing) {
			return nil
		}
		found = found || err == nil
		return err
	})
	if err == nil && !found {
		err = fmt.Errorf("read %s: in none of its .json files: %w", path, errNothing)
	}
	return err
}

func (b *builder) file(path string) error {
	switch strings.ToLower(filepath.Ext(path)) {
	case ".yaml", ".yml":
		c, err := vpc.Load(path)
		if err != nil {
			return err
		}
		n := c.Network()
		b.configured(&n)
		return nil
	}
	info, err := os.Stat(path)
	if err != nil {
		return err
	}
	if info.Size() > maxFile {
		return fmt.Errorf("read %s: it has more than %d bytes", path, maxFile)
	}
	data, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	if err := b.json(data, listID.FindString(filepath.Base(path))); err != nil {
		return fmt.Errorf("read %s: %w", path, err)
	}
	return nil
}

// listID is the id of a prefix list in a file's name.
var listID = regexp.MustCompile(`pl-[0-9a-f]+`)

// json reads the contents of a file; list is the prefix list whose entries are in it, if
// that is what they are.
func (b *builder) json(data []byte, list string) error {
	const entries = "Entries"
	b.list, b.entries = list, nil
	found, err := b.lists().Read(bytes.TrimPrefix(data, []byte("\ufeff")))
	switch {
	case err != nil:
		return err
	case len(b.entries) > 0 && list == "":
		return errors.New("it has the entries of a prefix list and does not say of which: " +
			"put the list's id into the file's name, such as pl-0123456789abcdef0.json")
	case list != "" && slices.Contains(found, entries):
		b.prefixes.put(list, vpc.PrefixList{ID: list, CIDRs: b.entries})
	case len(b.entries) == 0:
		found = slices.DeleteFunc(found, func(key string) bool { return key == entries })
	}
	if len(found) == 0 {
		return errNothing
	}
	return nil
}

func (b *builder) lists() Lists {
	return Lists{
		"NetworkInterfaces":  Element(b.iface),
		"Reservations":       Element(b.reservation),
		"Subnets":            Element(b.subnet),
		"Vpcs":               Element(b.vpc),
		"SecurityGroups":     Element(b.group),
		"SecurityGroupRules": Element(b.rule),
		"NetworkAcls":        Element(b.acl),
		"PrefixLists":        Element(b.prefixList),
		"Entries":            Element(b.entry),
	}
}
