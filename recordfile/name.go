package recordfile

import (
	"errors"
	"fmt"
	"hash/fnv"
	"strconv"
	"strings"
	"time"
)

// Interval is the stretch of time whose records share a file: each file holds
// records whose end lies in the five minutes that its name begins with ("Flow
// log files", Amazon VPC User Guide, read 2026-11-23).
const Interval = 5 * time.Minute

const (
	service       = "vpcflowlogs"
	nameTime      = "20060102T1504Z"
	textSuffix    = ".log.gz"
	parquetSuffix = ".log.parquet"
)

// A Name is the name of a file, without folder.
type Name struct {
	Account string    // 12 digits
	Region  string    // such as "us-east-1"
	FlowLog string    // "fl-…"
	Time    time.Time // any moment within the file's five minutes
	Hash    uint32    // tells files of one interval apart; see [Hash]
	Parquet bool      // ends in .log.parquet instead of .log.gz
}

// String returns the name as Amazon forms it:
// 123456789012_vpcflowlogs_us-east-1_fl-1234abcd_20180620T1620Z_fe123456.log.gz
func (n Name) String() string {
	suffix := textSuffix
	if n.Parquet {
		suffix = parquetSuffix
	}
	return fmt.Sprintf("%s_%s_%s_%s_%s_%08x%s", n.Account, service, n.Region, n.FlowLog,
		n.Time.UTC().Truncate(Interval).Format(nameTime), n.Hash, suffix)
}

// ParseName reads the name of a file, without folder. The result's String is s.
// The error says why s is not the name of a flow log file.
func ParseName(s string) (Name, error) {
	n, err := parseName(s)
	if err != nil {
		return Name{}, fmt.Errorf("file name %q: %w", s, err)
	}
	return n, nil
}

func parseName(s string) (n Name, err error) {
	base, text := strings.CutSuffix(s, textSuffix)
	if !text {
		if base, n.Parquet = strings.CutSuffix(s, parquetSuffix); !n.Parquet {
			return n, errors.New("ends in neither " + textSuffix + " nor " + parquetSuffix)
		}
	}
	parts := strings.Split(base, "_")
	if len(parts) != 6 || parts[1] != service {
		return n, errors.New("is not account_" + service + "_region_flow-log_time_hash")
	}
	n.Account, n.Region, n.FlowLog = parts[0], parts[2], parts[3]
	n.Time, err = time.Parse(nameTime, parts[4])
	if err != nil || n.Time.Format(nameTime) != parts[4] {
		return n, fmt.Errorf("time %q is not like 20060102T1504Z", parts[4])
	}
	if !n.Time.Equal(n.Time.Truncate(Interval)) {
		return n, fmt.Errorf("time %q is not on five minutes", parts[4])
	}
	hash, err := strconv.ParseUint(parts[5], 16, 32)
	if n.Hash = uint32(hash); err != nil || fmt.Sprintf("%08x", hash) != parts[5] {
		return n, fmt.Errorf("hash %q is not 8 hexadecimal digits", parts[5])
	}
	return n, n.Check()
}

// Check says what in n cannot be part of a name: an account that is not 12
// digits, a region that is empty or has other characters than lower-case letters,
// digits and hyphens, a flow log that is not "fl-" and letters or digits, a time
// outside the years 1 to 9999.
func (n Name) Check() error {
	if len(n.Account) != 12 || !consistsOf(n.Account, "") {
		return fmt.Errorf("account %q is not 12 digits", n.Account)
	}
	if n.Region == "" || !consistsOf(n.Region, "abcdefghijklmnopqrstuvwxyz-") {
		return fmt.Errorf("region %q is not like us-east-1", n.Region)
	}
	if id, ok := strings.CutPrefix(n.FlowLog, "fl-"); !ok || id == "" || !consistsOf(id, "abcdefghijklmnopqrstuvwxyz") {
		return fmt.Errorf("flow log %q is not like fl-1234abcd", n.FlowLog)
	}
	if y := n.Time.UTC().Year(); y < 1 || y > 9999 {
		return fmt.Errorf("year %d does not fit in a name", y)
	}
	return nil
}

// consistsOf reports whether s has only digits and characters of others.
func consistsOf(s, others string) bool {
	for _, c := range []byte(s) {
		if (c < '0' || c > '9') && strings.IndexByte(others, c) < 0 {
			return false
		}
	}
	return true
}

// Hash returns the hash in the name of a file of the given source, such as the
// name of a journal, whose first record has the given number there. The same file
// always has the same hash. Two files of one source have different ones if their
// numbers are less than 2³² apart: numbers are scrambled, not shortened. Files of
// different sources collide by chance, one pair in 2³².
func Hash(source string, number uint64) uint32 {
	h := fnv.New32a()
	h.Write([]byte(source))
	// Each step can be undone: multiplication by an odd number, xor with a shift.
	x := uint32(number)
	x ^= x >> 16
	x *= 0x21f0aaad
	x ^= x >> 15
	x *= 0xd35a2d97
	x ^= x >> 15
	return x ^ h.Sum32()
}
