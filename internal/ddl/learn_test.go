package ddl_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"weir/internal/ddl"
	"weir/recordfile"
)

func TestLearn(t *testing.T) {
	for _, layout := range ddl.Layouts() {
		for _, isParquet := range []bool{false, true} {
			dir := t.TempDir()
			o, _ := layout.Options()
			o.Parquet = isParquet
			f := mustFormat(t, "v5+x-drop-reason")
			write(t, dir, f, o)
			put(t, dir, "it's a/copy/AWSLogs/123456789012/CloudTrail/us-east-1/2020/01/01/x.json.gz", []byte("x"))
			got, prefix, err := ddl.Learn(objects(dir), ddl.Want{})
			if err != nil {
				t.Fatal(err)
			}
			if prefix != "it's a/copy" || !got.Format.Equal(f) || got.Options != o ||
				strings.Join(got.Accounts, " ") != "000000000001 123456789012" || strings.Join(got.Regions, " ") != "eu-west-1 us-east-1" ||
				!got.From.Equal(time.Date(2026, 11, 23, 8, 55, 0, 0, time.UTC)) {
				t.Errorf("%s, Parquet %v: in %q learnt %+v", layout, isParquet, prefix, got)
			}
		}
	}
}

func TestLearnMixed(t *testing.T) {
	text, err := os.ReadFile("../../recordfile/testdata/golden/2/default.log.gz")
	if err != nil {
		t.Fatal(err)
	}
	other, err := os.ReadFile("../../recordfile/testdata/golden/2/v5.log.gz")
	if err != nil {
		t.Fatal(err)
	}
	yes, no, format := true, false, mustFormat(t, "v3")
	base := recordfile.Key{Account: "123456789012", Region: "us-east-1", FlowLog: "fl-1", Time: time.Date(2026, 11, 24, 0, 0, 0, 0, time.UTC)}
	for _, tt := range []struct {
		rule  string
		spoil func(*recordfile.Key)
		data  []byte
		want  string // what is mixed; empty if nothing is
		fix   ddl.Want
	}{
		{"another hour of the same", func(k *recordfile.Key) { k.Time = k.Time.Add(time.Hour) }, text, "", ddl.Want{}},
		{"an empty file says nothing", func(k *recordfile.Key) { k.FlowLog = "fl-0" }, nil, "", ddl.Want{}},
		{"another place", func(k *recordfile.Key) { k.Prefix = "x" }, text, "place", ddl.Want{}},
		{"Hive's folders", func(k *recordfile.Key) { k.Hive = true }, text, "layout", ddl.Want{Hive: &yes}},
		{"folders of hours", func(k *recordfile.Key) { k.PerHour = true }, text, "layout", ddl.Want{PerHour: &no}},
		{"Parquet", func(k *recordfile.Key) { k.Parquet = true }, text, "kind", ddl.Want{Parquet: &no}},
		{"an organization", func(k *recordfile.Key) { k.Organization = "o-a1b2c3d4e5" }, text, "layout", ddl.Want{}},
		{"another flow log of another format", func(k *recordfile.Key) { k.FlowLog = "fl-2" }, other, "format", ddl.Want{Format: &format}},
		{"another account, which is not asked for", func(k *recordfile.Key) { k.Account = "000000000001"; k.Hive = true }, text, "layout", ddl.Want{Accounts: []string{"123456789012"}}},
		{"another region, which is not asked for", func(k *recordfile.Key) { k.Region = "eu-west-1"; k.Hive = true }, text, "layout", ddl.Want{Regions: []string{"us-east-1"}}},
	} {
		dir := t.TempDir()
		put(t, dir, base.String(), text)
		k := base
		tt.spoil(&k)
		put(t, dir, k.String(), tt.data)
		_, _, err := ddl.Learn(objects(dir), ddl.Want{})
		var mixed *ddl.MixedError
		switch {
		case tt.want == "" && err != nil, tt.want != "" && (!errors.As(err, &mixed) || mixed.What != tt.want):
			t.Errorf("%s: got error %v, want %q", tt.rule, err, tt.want)
		case tt.want == "" || tt.want == "place" || k.Organization != "":
			continue
		}
		got, _, err := ddl.Learn(objects(dir), tt.fix)
		if err != nil {
			t.Errorf("%s: the choice does not help: %v", tt.rule, err)
		}
		if tt.fix.Format != nil && !got.Format.Equal(format) {
			t.Errorf("%s: got the format %s", tt.rule, got.Format)
		}
	}
}

func TestLearnNothing(t *testing.T) {
	dir := t.TempDir()
	if _, _, err := ddl.Learn(objects(dir), ddl.Want{}); err != ddl.ErrNone {
		t.Errorf("got error %v, want ErrNone", err)
	}
	key := recordfile.Key{Account: "123456789012", Region: "us-east-1", FlowLog: "fl-1", Time: time.Unix(0, 0)}
	put(t, dir, key.String(), nil)
	if _, _, err := ddl.Learn(objects(dir), ddl.Want{}); err != ddl.ErrNone {
		t.Errorf("of an empty file: got error %v, want ErrNone", err)
	}
	put(t, dir, key.String(), []byte("no header\n"))
	if _, _, err := ddl.Learn(objects(dir), ddl.Want{}); !errors.Is(err, recordfile.ErrNoHeader) || !strings.HasPrefix(err.Error(), "read "+key.String()) {
		t.Errorf("of a file without header: got error %v", err)
	}
	key.Parquet = true
	put(t, filepath.Join(dir, "p"), key.String(), []byte("PAR1"))
	if _, _, err := ddl.Learn(objects(filepath.Join(dir, "p")), ddl.Want{}); err == nil {
		t.Error("a file that is not Parquet says nothing")
	}
	if _, _, err := ddl.Learn(objects(filepath.Join(dir, "gone")), ddl.Want{}); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("of no directory: got error %v", err)
	}
}
