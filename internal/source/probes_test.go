package source

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestProbes are ten kinds of input that other readers of flow logs get wrong, most of
// them without a word. Each is read right, or what is wrong is said and the rest kept.
func TestProbes(t *testing.T) {
	// Fields of version 11 in an order of their own, with one that nobody knows.
	const v11 = "version account-id action srcaddr next-hop-interface-id dstaddr dstport interface-tag some-new-field protocol start end"
	const v11line = "11 123456789012 REJECT 10.0.0.1 eni-0a1b2c3d 10.0.0.2 180 web%20tier x 6 1760000000 1760000059"
	const custom = "srcaddr dstaddr srcport dstport protocol bytes start end action"
	const customLine = "10.0.1.5 10.0.2.9 0 0 1 336 1760000000 1760000059 REJECT"
	tgw := string(parseFormat(t, "tgw").AppendHeader(nil))
	zero := strings.Replace(ssh, "49152 22 6", "0 0 1", 1)

	// Enough lines for the half of the gzip data to hold some of them.
	var long []string
	text := v2header + "\n"
	for i := range 2000 {
		l := strings.Replace(ssh, "49152", itoa(1024+i*i%60000), 1)
		text += l + "\n"
		long = append(long, l)
	}
	half := zip(text)
	half = half[:len(half)/2]

	tests := []struct {
		name, text string
		rows, told []string
	}{
		{"version 2 with a header", v2header + "\n" + zero + "\n" + nodata + "\n" + skipdata + "\n",
			[]string{v2header, "2: " + zero, "3: " + nodata, "4: " + skipdata}, nil},
		{"no header", zero + "\n" + nodata + "\n" + rdp + "\n", []string{v2header, "1: " + zero, "2: " + nodata, "3: " + rdp},
			[]string{looksDefault}},
		{"version 11 and an unknown field", v11 + "\n" + v11line + "\n", []string{v11, "2: " + v11line}, nil},
		{"transit gateway", tgw + "\n" + transit + "\n", []string{tgw, "2: " + transit}, nil},
		{"nine columns", custom + "\n" + customLine + "\n", []string{custom, "2: " + customLine}, nil},
		{"CloudWatch Logs export", "2025-10-09T08:53:20.000Z " + ssh + "\n2025-10-09T08:53:20.000Z " + nodata + "\n",
			[]string{"x-timestamp " + v2header, "1: 2025-10-09T08:53:20.000Z " + ssh, "2: 2025-10-09T08:53:20.000Z " + nodata},
			[]string{"assumed: CloudWatch's x-timestamp and 14 fields that look like the default format"}},
		{"a line cut short and an empty one", v2header + "\n" + ssh[:50] + "\n\n" + rdp + "\n",
			[]string{v2header, "4: " + rdp}, []string{"line 2 refused: too few fields: 5 of 14"}},
		{"CR LF", v2header + "\r\n" + ssh + "\r\n" + nodata + "\r\n", []string{v2header, "2: " + ssh, "3: " + nodata}, nil},
		{"gzip of two pieces", zip(v2header+"\n"+ssh+"\n", v2header+"\n"+rdp+"\n"), []string{v2header, "2: " + ssh, "4: " + rdp}, nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, acc := scan(t, tt.text)
			if d := cmp.Diff(tt.rows, got); d != "" {
				t.Errorf("rows (-want +got):\n%s", d)
			}
			if d := cmp.Diff(tt.told, told(acc)); d != "" {
				t.Errorf("account (-want +got):\n%s", d)
			}
		})
	}
	t.Run("half of a gzip file", func(t *testing.T) {
		got, acc := scan(t, half)
		if len(got) < 500 {
			t.Fatalf("%d rows", len(got))
		}
		for i, l := range got[1:] {
			if want := itoa(i+2) + ": " + long[i]; l != want {
				t.Fatalf("got %q, want %q", l, want)
			}
		}
		last := itoa(len(got))
		if d := cmp.Diff([]string{"line " + itoa(len(got)+1) + " refused: the line is cut short",
			"damaged after " + last + ": file is truncated"}, told(acc)); d != "" {
			t.Errorf("account (-want +got):\n%s", d)
		}
	})
}
