package record

import (
	"encoding/json"
	"testing"
)

func TestAppendJSON(t *testing.T) {
	for _, tt := range []struct {
		name, format, line, want string
	}{
		{"numbers are numbers, text is text", "version srcaddr dstport action", "2 10.0.0.1 80 ACCEPT",
			`{"version":2,"srcaddr":"10.0.0.1","dstport":80,"action":"ACCEPT"}`},
		{"absent is null", "srcaddr packets log-status", "- - NODATA",
			`{"srcaddr":null,"packets":null,"log-status":"NODATA"}`},
		{"IPv6 is canonical", "srcaddr", "2001:DB8:0:0:0:0:0:1", `{"srcaddr":"2001:db8::1"}`},
		{"text is escaped", "instance-id", `"\`, `{"instance-id":"\"\\"}`},
		{"extensions keep their name", "x-rule", "allow-web", `{"x-rule":"allow-web"}`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			f, err := ParseFormat(tt.format)
			if err != nil {
				t.Fatal(err)
			}
			var r Record
			if err := f.Parse([]byte(tt.line), &r); err != nil {
				t.Fatal(err)
			}
			got := f.AppendJSON(nil, &r)
			if string(got) != tt.want {
				t.Errorf("got %s, want %s", got, tt.want)
			}
			if !json.Valid(got) {
				t.Errorf("%s is not JSON", got)
			}
		})
	}
}

func TestAppendJSONSaysTheVersion(t *testing.T) {
	f, err := ParseFormat("version tcp-flags")
	if err != nil {
		t.Fatal(err)
	}
	var r Record
	if got, want := string(f.AppendJSON(nil, &r)), `{"version":3,"tcp-flags":null}`; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}
