package show

import (
	"bytes"
	"encoding/json"
	"testing"

	"weir/record"
)

// ocsfCases are records with something that an event has to say in its own way.
var ocsfCases = []struct{ name, format, line string }{
	{"accepted", "default", "2 123456789012 eni-0a1b2c3d 10.0.1.5 10.0.2.9 49152 443 6 10 8400 1763985600 1763985659 ACCEPT OK"},
	{"refused", "default", "2 123456789012 eni-0a1b2c3d 203.0.113.7 10.0.1.5 40000 22 6 3 180 1763985660 1763985719 REJECT OK"},
	{"NODATA", "default", "2 123456789012 eni-0b2c3d4e - - - - - - - 1763985600 1763985659 - NODATA"},
	{"SKIPDATA with a direction column", "default+flow-direction", "5 unknown eni-0b2c3d4e - - - - - - - 1763985600 1763985659 - SKIPDATA -"},
	{"IPv6 without type", "default", "2 123456789012 eni-0a1b2c3d 2001:db8::1 2001:db8::2 49152 443 17 10 8400 1763985600 1763985659 ACCEPT OK"},
	{"ICMPv6", "default", "2 123456789012 eni-0a1b2c3d fe80::1 ff02::1 0 0 58 1 72 1763985600 1763985659 ACCEPT OK"},
	{"ICMP", "default", "2 123456789012 eni-0a1b2c3d 10.0.1.5 10.0.2.9 0 0 1 4 336 1763985600 1763985659 REJECT OK"},
	{"a protocol without a name", "default", "2 123456789012 eni-0a1b2c3d 10.0.1.5 10.0.2.9 0 0 253 4 336 1763985600 1763985659 ACCEPT OK"},
	{"ingress through a NAT gateway", "default+flow-direction+pkt-srcaddr+pkt-dstaddr+vpc-id+tcp-flags+type",
		"5 123456789012 eni-0a1b2c3d 10.0.0.220 10.0.1.5 443 49152 6 10 8400 1763985600 1763985659 ACCEPT OK ingress 203.0.113.5 10.0.1.5 vpc-01020304 18 IPv4"},
	{"egress", "default+flow-direction+instance-id+pkt-dst-aws-service", "5 123456789012 eni-0a1b2c3d 10.0.1.5 52.95.1.1 49152 443 6 10 8400 1763985600 1763985659 ACCEPT OK egress i-0a1b2c3d S3"},
	{"masked addresses", "srcaddr dstaddr start", "xx.xx.xx.xx 10.0.2.9 1763985600"},
	{"few fields", "srcaddr bytes", "10.0.1.5 7"},
	{"no address", "dstport bytes end", "22 7 1763985659"},
}

// ocsfRequired are the attributes that OCSF requires of an event of class 4001 with these
// profiles, and of the objects in it. Besides, one endpoint must be there, and have a
// name of some kind (github.com/ocsf/ocsf-schema, events/network and
// objects/network_endpoint.json, read 2026-11-24).
var ocsfRequired = []string{"activity_id", "category_uid", "class_uid", "metadata.version", "metadata.product.vendor_name", "severity_id", "time", "type_uid",
	"cloud.provider", "connection_info.direction_id", "action_id"}

// TestOCSF has events that were reviewed one by one, with all that the schema requires.
func TestOCSF(t *testing.T) {
	var out bytes.Buffer
	for _, tt := range ocsfCases {
		f, err := record.ParseFormat(tt.format)
		if err != nil {
			t.Fatal(err)
		}
		var r record.Record
		if err := f.Parse([]byte(tt.line), &r); err != nil {
			t.Fatalf("%s: %v", tt.name, err)
		}
		text := AppendOCSF(nil, f, &r)
		var event map[string]any
		if err := json.Unmarshal(text, &event); err != nil {
			t.Fatalf("%s: %v", tt.name, err)
		}
		for _, path := range ocsfRequired {
			if at(event, path) == nil {
				t.Errorf("%s: there is no %s", tt.name, path)
			}
		}
		if event["type_uid"] != 400100+event["activity_id"].(float64) {
			t.Errorf("%s: type_uid is %v of activity %v", tt.name, event["type_uid"], event["activity_id"])
		}
		src, source := event["src_endpoint"].(map[string]any)
		dst, sink := event["dst_endpoint"].(map[string]any)
		if !source && !sink || source && len(src) == 0 || sink && len(dst) == 0 {
			t.Errorf("%s: the endpoints are %v and %v", tt.name, src, dst)
		}
		out.WriteString(tt.name + "\n")
		if err := json.Indent(&out, text, "", " "); err != nil {
			t.Fatal(err)
		}
		out.WriteString("\n")
	}
	golden(t, "ocsf.txt", out.Bytes())
}

// at returns what is at a path of names with dots between them, nil if nothing is.
func at(o map[string]any, path string) any {
	for {
		name, rest, more := bytes.Cut([]byte(path), []byte{'.'})
		v := o[string(name)]
		if !more {
			return v
		}
		o, _ = v.(map[string]any)
		path = string(rest)
	}
}
