package recordfile

import (
	"fmt"
	"time"
)

// Interval is the stretch of time whose records share a file: each file holds
// records whose end lies in the five minutes that its name begins with ("Flow
// log files", Amazon VPC User Guide, read 2026-11-23).
const Interval = 5 * time.Minute

// A Name is the name of a file, without folder.
type Name struct {
	Account string    // 12 digits
	Region  string    // such as "us-east-1"
	FlowLog string    // "fl-…"
	Time    time.Time // any moment within the file's five minutes
	Hash    uint32    // tells files of one interval apart
}

// String returns the name as Amazon forms it:
// 123456789012_vpcflowlogs_us-east-1_fl-1234abcd_20180620T1620Z_fe123456.log.gz
func (n Name) String() string {
	return fmt.Sprintf("%s_vpcflowlogs_%s_%s_%s_%08x.log.gz", n.Account, n.Region, n.FlowLog,
		n.Time.UTC().Truncate(Interval).Format("20060102T1504Z"), n.Hash)
}
