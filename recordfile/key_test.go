package recordfile

import (
	"strings"
	"testing"
	"time"
)

var keyTime = time.Date(2018, 6, 20, 16, 23, 7, 0, time.UTC)

func testKey(change func(*Key)) Key {
	k := Key{Account: "123456789012", Region: "us-east-1", FlowLog: "fl-1234abcd", Time: keyTime, Hash: 0xfe123456}
	change(&k)
	return k
}

const testFile = "123456789012_vpcflowlogs_us-east-1_fl-1234abcd_20180620T1620Z_fe123456.log.gz"

func TestKey(t *testing.T) {
	for _, tt := range []struct {
		name string
		key  Key
		want string
	}{
		{"default", testKey(func(*Key) {}), "AWSLogs/123456789012/vpcflowlogs/us-east-1/2018/06/20/" + testFile},
		{"prefix", testKey(func(k *Key) { k.Prefix = "logs/flow" }),
			"logs/flow/AWSLogs/123456789012/vpcflowlogs/us-east-1/2018/06/20/" + testFile},
		{"per hour", testKey(func(k *Key) { k.PerHour = true }),
			"AWSLogs/123456789012/vpcflowlogs/us-east-1/2018/06/20/16/" + testFile},
		{"Hive", testKey(func(k *Key) { k.Hive = true }),
			"AWSLogs/aws-account-id=123456789012/aws-service=vpcflowlogs/aws-region=us-east-1/year=2018/month=06/day=20/" + testFile},
		{"Hive and per hour", testKey(func(k *Key) { k.Hive, k.PerHour, k.Prefix = true, true, "p" }),
			"p/AWSLogs/aws-account-id=123456789012/aws-service=vpcflowlogs/aws-region=us-east-1/year=2018/month=06/day=20/hour=16/" + testFile},
		{"Hive of a transit gateway", testKey(func(k *Key) { k.Hive, k.TransitGateway = true, true }),
			"AWSLogs/aws-account-id=123456789012/service=vpcflowlogs/aws-region=us-east-1/year=2018/month=06/day=20/" + testFile},
		{"organization", testKey(func(k *Key) { k.Organization = "o-a1b2c3d4e5" }),
			"AWSLogs/o-a1b2c3d4e5/123456789012/vpcflowlogs/us-east-1/2018/06/20/" + testFile},
		{"Parquet", testKey(func(k *Key) { k.Parquet = true }),
			"AWSLogs/123456789012/vpcflowlogs/us-east-1/2018/06/20/" + strings.Replace(testFile, ".log.gz", ".log.parquet", 1)},
		{"the day is that of UTC", testKey(func(k *Key) {
			k.Time = time.Date(2018, 6, 21, 1, 20, 0, 0, time.FixedZone("", 9*3600))
			k.PerHour = true
		}),
			"AWSLogs/123456789012/vpcflowlogs/us-east-1/2018/06/20/16/" + testFile},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if err := tt.key.Check(); err != nil {
				t.Fatal(err)
			}
			if got := tt.key.String(); got != tt.want {
				t.Errorf("got  %s\nwant %s", got, tt.want)
			}
			back, err := ParseKey(tt.want)
			if err != nil {
				t.Fatal(err)
			}
			want := tt.key
			want.Time = keyTime.Truncate(Interval)
			if back != want {
				t.Errorf("parsed as %+v, want %+v", back, want)
			}
		})
	}
}

func TestKeyCheck(t *testing.T) {
	for _, tt := range []struct {
		want   string
		change func(*Key)
	}{
		{"reserved word", func(k *Key) { k.Prefix = "AWSLogs" }},
		{"reserved word", func(k *Key) { k.Prefix = "a/AWSLogs/b" }},
		{"is no folder", func(k *Key) { k.Prefix = "a/" }},
		{"is no folder", func(k *Key) { k.Prefix = "/a" }},
		{"is no folder", func(k *Key) { k.Prefix = "a/../b" }},
		{"not printable", func(k *Key) { k.Prefix = "a\nb" }},
		{"not printable", func(k *Key) { k.Prefix = "a\xff" }},
		{"account", func(k *Key) { k.Account = "12345678901" }},
		{"account", func(k *Key) { k.Account = "1234567890123" }},
		{"account", func(k *Key) { k.Account = "unknown" }},
		{"region", func(k *Key) { k.Region = "" }},
		{"region", func(k *Key) { k.Region = "us_east" }},
		{"flow log", func(k *Key) { k.FlowLog = "fl-" }},
		{"flow log", func(k *Key) { k.FlowLog = "fl-a_b" }},
		{"organization", func(k *Key) { k.Organization = "o-a" }},
		{"year", func(k *Key) { k.Time = time.Date(10000, 1, 1, 0, 0, 0, 0, time.UTC) }},
		{"1025 bytes", func(k *Key) { k.Prefix = strings.Repeat("a", 1025-len("/"+testKey(func(*Key) {}).String())) }},
	} {
		if err := testKey(tt.change).Check(); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("got error %v, want %q", err, tt.want)
		}
	}
	longest := testKey(func(k *Key) { k.Prefix = strings.Repeat("a", 1024-len("/"+testKey(func(*Key) {}).String())) })
	if err := longest.Check(); err != nil {
		t.Errorf("key of 1024 bytes: %v", err)
	}
}

func TestParseKeyRefuses(t *testing.T) {
	const folders = "AWSLogs/123456789012/vpcflowlogs/us-east-1/2018/06/20/"
	for _, tt := range []struct{ key, want string }{
		{"", "no folder AWSLogs"},
		{"logs/" + testFile, "no folder AWSLogs"},
		{"AWSLogs/123456789012/CloudTrail/us-east-1/2018/06/20/123456789012_CloudTrail_us-east-1_20180620T1620Z_abc.json.gz", "neither .log.gz nor"},
		{"AWSLogs/123456789012/elasticloadbalancing/us-east-1/2018/06/20/123456789012_elasticloadbalancing_us-east-1_app.x_20180620T1620Z_1.2.3.4_abc.log.gz", "is not account_vpcflowlogs"},
		{folders, "neither"},
		{folders + "AWSLogs/" + testFile, "do not agree"},
		{"AWSLogs/" + folders + testFile, "do not agree"},
		{"AWSLogs/" + testFile, "0 folders"},
		{strings.Replace(folders, "/20/", "/21/", 1) + testFile, "do not agree"},
		{strings.Replace(folders, "us-east-1", "us-east-2", 1) + testFile, "do not agree"},
		{folders + "17/" + testFile, "do not agree"},
		{folders + strings.Replace(testFile, "1620Z", "1621Z", 1), "five minutes"},
		{folders + strings.Replace(testFile, "20180620", "20180631", 1), "time"},
		{folders + strings.Replace(testFile, "fe123456", "FE123456", 1), "hash"},
		{folders + strings.Replace(testFile, "fe123456", "fe12345", 1), "hash"},
		{folders + strings.Replace(testFile, "fl-", "tgw-", 1), "flow log"},
	} {
		if _, err := ParseKey(tt.key); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s:\ngot error %v, want %q", tt.key, err, tt.want)
		}
	}
}

// FuzzParseKey checks that every key we accept is printed again as it was, and
// that its name is one we accept.
func FuzzParseKey(f *testing.F) {
	for _, o := range []Options{{}, {Hive: true}, {PerHour: true}, {true, true, true}} {
		f.Add(testKey(func(k *Key) { k.Options = o }).String())
		f.Add(testKey(func(k *Key) { k.Options, k.Prefix, k.TransitGateway = o, "a/b", true }).String())
		f.Add(testKey(func(k *Key) { k.Options, k.Organization = o, "o-a1b2c3d4e5" }).String())
	}
	f.Fuzz(func(t *testing.T, s string) {
		k, err := ParseKey(s)
		if err != nil {
			return
		}
		if got := k.String(); got != s {
			t.Errorf("%q is printed as %q", s, got)
		}
		if err := k.Check(); err != nil {
			t.Errorf("%q: %v", s, err)
		}
		n, err := ParseName(k.Name().String())
		if err != nil || n != k.Name() {
			t.Errorf("name %+v, want %+v: %v", n, k.Name(), err)
		}
	})
}

func TestHash(t *testing.T) {
	seen := map[uint32]uint64{}
	for n := uint64(1) << 40; n < 1<<40+100_000; n++ {
		h := Hash("journal", n)
		if m, ok := seen[h]; ok {
			t.Fatalf("%d and %d have the same hash", m, n)
		}
		seen[h] = n
	}
	if got := Hash("journal", 1); got != 0xc754a50b {
		t.Errorf("hash of journal, 1 is %08x; it must never change", got)
	}
}
