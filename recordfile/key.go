package recordfile

import (
	"cmp"
	"errors"
	"fmt"
	"strings"
	"time"
	"unicode/utf8"
)

// reserved is the folder that Amazon's services put their logs in. No prefix may
// have it.
const reserved = "AWSLogs"

// maxKey is how long the key of an object may be, in bytes ("Naming Amazon S3
// objects", Amazon S3 User Guide, read 2026-11-23).
const maxKey = 1024

// Options are what a flow log may choose about its files: the destination options
// of Amazon's API. The zero value is its default.
type Options struct {
	Hive    bool // folders are named key=value: HiveCompatiblePartitions
	PerHour bool // a folder for each hour, below that of the day: PerHourPartition
	Parquet bool // FileFormat is parquet, not plain-text
}

// A Key is the key of an object: where in a bucket a file is. All dates in it are
// of UTC.
type Key struct {
	Prefix  string    // folders above AWSLogs, without slash at either end; usually empty
	Account string    // 12 digits: the owner of the flow log
	Region  string    // such as "us-east-1"
	FlowLog string    // "fl-…"
	Time    time.Time // any moment within the file's five minutes
	Hash    uint32    // tells files of one interval apart; see [Hash]
	Options

	// Organization is the folder between AWSLogs and the account that some who
	// gather the logs of an organization add: "o-" and 10 to 32 letters or
	// digits. Empty means none, as Amazon writes flow logs.
	Organization string
	// TransitGateway writes Hive's folder of the service as the documentation of
	// transit gateway flow logs has it: service=vpcflowlogs instead of
	// aws-service=vpcflowlogs. It means nothing without Hive.
	TransitGateway bool
}

// Name returns the name of the file, which is what follows the last slash.
func (k Key) Name() Name {
	return Name{k.Account, k.Region, k.FlowLog, k.Time, k.Hash, k.Parquet}
}

// String returns the key. It is one that [ParseKey] accepts if [Key.Check] finds
// nothing.
func (k Key) String() string {
	t := k.Time.UTC().Truncate(Interval)
	var b strings.Builder
	if k.Prefix != "" {
		b.WriteString(k.Prefix + "/")
	}
	b.WriteString(reserved + "/")
	if k.Organization != "" {
		b.WriteString(k.Organization + "/")
	}
	if k.Hive {
		key := "aws-service"
		if k.TransitGateway {
			key = "service"
		}
		fmt.Fprintf(&b, "aws-account-id=%s/%s=%s/aws-region=%s/", k.Account, key, service, k.Region)
		b.WriteString(t.Format("year=2006/month=01/day=02/"))
		if k.PerHour {
			b.WriteString(t.Format("hour=15/"))
		}
	} else {
		fmt.Fprintf(&b, "%s/%s/%s/", k.Account, service, k.Region)
		b.WriteString(t.Format("2006/01/02/"))
		if k.PerHour {
			b.WriteString(t.Format("15/"))
		}
	}
	b.WriteString(k.Name().String())
	return b.String()
}

// Check says why an object cannot have this key: what [Name.Check] and
// [CheckPrefix] find, an organization that is not one, or a key longer than 1024
// bytes.
func (k Key) Check() error {
	err := cmp.Or(k.Name().Check(), CheckPrefix(k.Prefix))
	switch {
	case err != nil:
		return err
	case k.Organization != "" && !isOrganization(k.Organization):
		return fmt.Errorf("organization %q is not like o-a1b2c3d4e5", k.Organization)
	}
	if n := len(k.String()); n > maxKey {
		return fmt.Errorf("key has %d bytes, more than %d", n, maxKey)
	}
	return nil
}

// CheckPrefix says why p cannot be the prefix of keys. One of its folders may be
// AWSLogs, which Amazon refuses: the word is reserved. And we refuse what cannot
// be a folder elsewhere, so that a bucket can be copied to a disk: no name, "."
// or "..", text that is not UTF-8, control characters. The empty prefix is right.
func CheckPrefix(p string) error {
	if p == "" {
		return nil
	}
	for folder := range strings.SplitSeq(p, "/") {
		switch folder {
		case reserved:
			return fmt.Errorf("prefix %q: %s is a reserved word", p, reserved)
		case "", ".", "..":
			return fmt.Errorf("prefix %q: %q is no folder", p, folder)
		}
	}
	if !utf8.ValidString(p) || strings.ContainsFunc(p, func(r rune) bool { return r < ' ' || r == 0x7f }) {
		return fmt.Errorf("prefix %q: not printable text", p)
	}
	return nil
}

func isOrganization(s string) bool {
	id, ok := strings.CutPrefix(s, "o-")
	return ok && len(id) >= 10 && len(id) <= 32 && consistsOf(id, "abcdefghijklmnopqrstuvwxyz")
}

// ParseKey reads the key of an object in any of the four layouts. The result's
// String is s. The error says why s is not the key of a flow log file; the folders
// must agree with the name.
func ParseKey(s string) (Key, error) {
	k, err := parseKey(s)
	if err != nil {
		return Key{}, fmt.Errorf("key %q: %w", s, err)
	}
	return k, nil
}

func parseKey(s string) (k Key, err error) {
	var rest string
	if r, ok := strings.CutPrefix(s, reserved+"/"); ok {
		rest = r
	} else if k.Prefix, rest, ok = strings.Cut(s, "/"+reserved+"/"); !ok {
		return k, errors.New("has no folder " + reserved)
	}
	folders := strings.Split(rest, "/")
	n, err := parseName(folders[len(folders)-1])
	if err != nil {
		return k, err
	}
	k.Account, k.Region, k.FlowLog, k.Time, k.Hash, k.Parquet = n.Account, n.Region, n.FlowLog, n.Time, n.Hash, n.Parquet

	folders = folders[:len(folders)-1]
	if len(folders) > 0 && isOrganization(folders[0]) {
		k.Organization, folders = folders[0], folders[1:]
	}
	if len(folders) < 6 || len(folders) > 7 {
		return k, fmt.Errorf("has %d folders below %s, not 6 or 7", len(folders), reserved)
	}
	k.PerHour = len(folders) == 7
	k.Hive = strings.HasPrefix(folders[0], "aws-account-id=")
	k.TransitGateway = k.Hive && strings.HasPrefix(folders[1], "service=")
	if err := k.Check(); err != nil {
		return k, err
	}
	if want := k.String(); want != s {
		return k, fmt.Errorf("folders do not agree with the name: want %q", want)
	}
	return k, nil
}
