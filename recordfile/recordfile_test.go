package recordfile

import (
	"bytes"
	"compress/gzip"
	"io"
	"testing"
	"time"

	"weir/record"
)

func TestName(t *testing.T) {
	for _, tt := range []struct {
		name string
		end  time.Time
		want string
	}{
		{"the documentation's example", time.Date(2018, 6, 20, 16, 20, 0, 0, time.UTC), "20180620T1620Z"},
		{"the last moment of the five minutes", time.Date(2018, 6, 20, 16, 24, 59, 999999999, time.UTC), "20180620T1620Z"},
		{"the next five minutes", time.Date(2018, 6, 20, 16, 25, 0, 0, time.UTC), "20180620T1625Z"},
		{"another zone", time.Date(2018, 6, 20, 18, 20, 0, 0, time.FixedZone("", 7200)), "20180620T1620Z"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			n := Name{"123456789012", "us-east-1", "fl-1234abcd", tt.end, 0xfe123456, false}
			want := "123456789012_vpcflowlogs_us-east-1_fl-1234abcd_" + tt.want + "_fe123456.log.gz"
			if got := n.String(); got != want {
				t.Errorf("got %s, want %s", got, want)
			}
		})
	}
}

func TestTextWriter(t *testing.T) {
	var file bytes.Buffer
	w, err := NewTextWriter(&file, record.Default())
	if err != nil {
		t.Fatal(err)
	}
	const line = "2 123456789012 eni-1 10.0.0.1 10.0.0.2 1 2 17 3 84 1700000000 1700000001 ACCEPT OK"
	var r record.Record
	if err := record.Default().Parse([]byte(line), &r); err != nil {
		t.Fatal(err)
	}
	if err := w.Write(&r); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	z, err := gzip.NewReader(&file)
	if err != nil {
		t.Fatal(err)
	}
	got, err := io.ReadAll(z)
	if err != nil {
		t.Fatal(err)
	}
	want := "version account-id interface-id srcaddr dstaddr srcport dstport protocol packets bytes start end action log-status\n" + line + "\n"
	if string(got) != want {
		t.Errorf("got:\n%swant:\n%s", got, want)
	}
}
