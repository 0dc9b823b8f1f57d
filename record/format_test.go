package record

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestAmazonFormats(t *testing.T) {
	for _, tt := range []struct {
		name    string
		format  Format
		str     string
		fields  int
		version int
	}{
		{"the zero Format is the default", Format{}, defaultString, 14, 2},
		{"default", Default(), defaultString, 14, 2},
		{"transit gateway", TransitGateway(), tgwString, 36, 6},
		{"all in Amazon's order", mustFormat(t, "all"), "${" + strings.ReplaceAll(allHeader, " ", "} ${") + "}", 54, 11},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := tt.format.String(); got != tt.str {
				t.Errorf("String:\n got %s\nwant %s", got, tt.str)
			}
			if got := tt.format.Len(); got != tt.fields {
				t.Errorf("Len = %d, want %d", got, tt.fields)
			}
			if got := tt.format.Version(); got != tt.version {
				t.Errorf("Version = %d, want %d", got, tt.version)
			}
			got, err := ParseLogFormat(tt.str)
			if err != nil || !got.Equal(tt.format) {
				t.Errorf("ParseLogFormat of it: %v, %v", got, err)
			}
			header := strings.NewReplacer("${", "", "}", "").Replace(tt.str)
			if got := string(tt.format.AppendHeader([]byte("> "))); got != "> "+header {
				t.Errorf("header:\n got %s\nwant > %s", got, header)
			}
		})
	}
}

func TestVersionRule(t *testing.T) {
	for _, tt := range []struct {
		name, format string
		want         int
	}{
		{"version 2 fields only", "srcaddr dstaddr", 2},
		{"the highest of all", "vpc-id az-id version", 4},
		{"one field is enough", "default+resource-id", 9},
		{"any tag makes it 11", "${asg-tag-2} ${srcaddr}", 11},
		{"version need not be chosen", "traffic-path", 5},
		{"extensions do not count", "default x-rule", 2},
		{"transit gateway fields are 6", "tgw-id srcaddr", 6},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := mustFormat(t, tt.format).Version(); got != tt.want {
				t.Errorf("Version of %q = %d, want %d", tt.format, got, tt.want)
			}
		})
	}
}

func TestParseFormat(t *testing.T) {
	for _, tt := range []struct{ name, in, want string }{
		{"default", "default", defaultString},
		{"fields added to the default", "default+tcp-flags+vpc-id", defaultString + " ${tcp-flags} ${vpc-id}"},
		{"names and spaces", "srcaddr  dstaddr", "${srcaddr} ${dstaddr}"},
		{"names and commas", "srcaddr, dstaddr,bytes", "${srcaddr} ${dstaddr} ${bytes}"},
		{"Amazon's syntax", "${srcaddr} ${dstaddr}", "${srcaddr} ${dstaddr}"},
		{"Amazon's syntax, carelessly", " ${srcaddr},${dstaddr}  bytes\n", "${srcaddr} ${dstaddr} ${bytes}"},
		{"names with underscores", "account_id ${log_status}", "${account-id} ${log-status}"},
		{"names in camel case", "accountId,srcAddr,logStatus", "${account-id} ${srcaddr} ${log-status}"},
		{"v2 is the default", "v2", defaultString},
		{"v3 adds seven", "v3", defaultString + " ${vpc-id} ${subnet-id} ${instance-id} ${tcp-flags} ${type} ${pkt-srcaddr} ${pkt-dstaddr}"},
		{"a group and a field before it", "resource-id v2", "${resource-id} " + defaultString},
		{"tgw", "tgw", tgwString},
		{"extensions", "bytes x-rule x-drop-reason", "${bytes} ${x-rule} ${x-drop-reason}"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			f, err := ParseFormat(tt.in)
			if err != nil {
				t.Fatalf("ParseFormat(%q): %v", tt.in, err)
			}
			if got := f.String(); got != tt.want {
				t.Errorf("ParseFormat(%q):\n got %s\nwant %s", tt.in, got, tt.want)
			}
			again, err := ParseLogFormat(f.String())
			if err != nil || !again.Equal(f) {
				t.Errorf("ParseLogFormat(%q) = %v, %v", f, again, err)
			}
		})
	}
	for s, want := range map[string]int{"v2": 14, "v3": 21, "v4": 25, "v5": 29, "v7": 39, "v8": 40, "v9": 41, "v10": 42, "v11": 54, "all": 54} {
		if got := mustFormat(t, s).Len(); got != want {
			t.Errorf("%s has %d fields, want %d", s, got, want)
		}
	}
}

func TestFormatErrors(t *testing.T) {
	for _, tt := range []struct {
		name, in string
		want     FormatError
		text     string
	}{
		{"unknown name, near one", "srcaddr dstadr", FormatError{Offset: 8, Token: "dstadr", Suggest: "dstaddr"},
			`format column 9: unknown field "dstadr", did you mean "dstaddr"?`},
		{"letters exchanged", "default+acitno", FormatError{Offset: 8, Token: "acitno", Suggest: "action"},
			`format column 9: unknown field "acitno", did you mean "action"?`},
		{"a group nearly right", "defualt", FormatError{Offset: 0, Token: "defualt", Suggest: "default"},
			`format column 1: unknown field "defualt", did you mean "default"?`},
		{"no group inside braces", "${defualt}", FormatError{Offset: 2, Token: "defualt"},
			`format column 3: unknown field "defualt"`},
		{"nothing near", "srcaddr,elephants", FormatError{Offset: 8, Token: "elephants"},
			`format column 9: unknown field "elephants"`},
		{"a field twice", "srcaddr dstaddr srcaddr", FormatError{Offset: 16, Token: "srcaddr"},
			`format column 17: field comes twice: "srcaddr"`},
		{"a field twice, spelled otherwise", "account-id accountId", FormatError{Offset: 11, Token: "accountId"},
			`format column 12: field comes twice: "accountId"`},
		{"a field of a group again", "default+bytes", FormatError{Offset: 8, Token: "bytes"},
			`format column 9: field comes twice: "bytes"`},
		{"a group with a field again", "bytes default", FormatError{Offset: 6, Token: "default"},
			`format column 7: field bytes comes twice, again in "default"`},
		{"an extension twice", "x-rule x-rule", FormatError{Offset: 7, Token: "x-rule"},
			`format column 8: field comes twice: "x-rule"`},
		{"version 6 is the transit gateway's", "v6", FormatError{Offset: 0, Token: "v6", Suggest: "tgw"},
			`format column 1: no such version of VPC flow logs: "v6", did you mean "tgw"?`},
		{"version 12 is not known", "bytes v12", FormatError{Offset: 6, Token: "v12", Suggest: "all"},
			`format column 7: no such version of VPC flow logs: "v12", did you mean "all"?`},
		{"empty", "", FormatError{}, "format column 1: no fields"},
		{"only separators", " , ", FormatError{Offset: 3}, "format column 4: no fields"},
		{"brace not closed", "srcaddr ${dstaddr", FormatError{Offset: 8, Token: "${dstaddr"},
			`format column 9: no closing brace in "${dstaddr"`},
		{"tokens not separated", "${srcaddr}${dstaddr}", FormatError{Offset: 2, Token: "srcaddr}${dstaddr"},
			`format column 3: unknown field "srcaddr}${dstaddr"`},
		{"hyphens are not noise in a wrong name", "--", FormatError{Offset: 0, Token: "--"}, `format column 1: unknown field "--"`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, err := ParseFormat(tt.in)
			checkFormatError(t, err, tt.in, tt.want, tt.text)
		})
	}
}

func TestLogFormatIsStrict(t *testing.T) {
	for _, tt := range []struct {
		name, in string
		want     FormatError
		text     string
	}{
		{"empty", "", FormatError{}, "format column 1: want ${name}"},
		{"trailing space", "${srcaddr} ", FormatError{Offset: 11}, "format column 12: want ${name}"},
		{"leading space", " ${srcaddr}", FormatError{Offset: 0, Token: " "}, `format column 1: want ${name} " "`},
		{"two spaces", "${srcaddr}  ${dstaddr}", FormatError{Offset: 11, Token: " "}, `format column 12: want ${name} " "`},
		{"a comma", "${srcaddr},${dstaddr}", FormatError{Offset: 10, Token: ",${dstaddr}"}, `format column 11: want one space before ",${dstaddr}"`},
		{"no space", "${srcaddr}${dstaddr}", FormatError{Offset: 10, Token: "${dstaddr}"}, `format column 11: want one space before "${dstaddr}"`},
		{"a bare name", "srcaddr", FormatError{Offset: 0, Token: "srcaddr"}, `format column 1: want ${name} "srcaddr"`},
		{"shorthand", "default", FormatError{Offset: 0, Token: "default"}, `format column 1: want ${name} "default"`},
		{"brace not closed", "${srcaddr ${dstaddr}", FormatError{Offset: 0, Token: "${srcaddr"}, `format column 1: no closing brace in "${srcaddr"`},
		{"brace not closed at the end", "${srcaddr} ${dst", FormatError{Offset: 11, Token: "${dst"}, `format column 12: no closing brace in "${dst"`},
		{"underscores", "${account_id}", FormatError{Offset: 2, Token: "account_id", Suggest: "account-id"}, `format column 3: unknown field "account_id", did you mean "account-id"?`},
		{"upper case", "${Srcaddr}", FormatError{Offset: 2, Token: "Srcaddr", Suggest: "srcaddr"}, `format column 3: unknown field "Srcaddr", did you mean "srcaddr"?`},
		{"no name", "${}", FormatError{Offset: 2}, "format column 3: unknown field"},
		{"a field twice", "${srcaddr} ${srcaddr}", FormatError{Offset: 13, Token: "srcaddr"}, `format column 14: field comes twice: "srcaddr"`},
		{"a newline", "${srcaddr}\n${dstaddr}", FormatError{Offset: 10, Token: "\n${dstaddr}"}, `format column 11: want one space before "\n${dstaddr}"`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, err := ParseLogFormat(tt.in)
			checkFormatError(t, err, tt.in, tt.want, tt.text)
		})
	}
}

func checkFormatError(t *testing.T, err error, in string, want FormatError, text string) {
	t.Helper()
	var got *FormatError
	if !errors.As(err, &got) {
		t.Fatalf("error of %q is %v, want a *FormatError", in, err)
	}
	if got.Format != in || got.Offset != want.Offset || got.Token != want.Token || got.Suggest != want.Suggest {
		t.Errorf("error of %q: %+v\nwant %+v", in, *got, want)
	}
	if !strings.HasPrefix(in[got.Offset:], got.Token) {
		t.Errorf("error of %q: token %q is not at %d", in, got.Token, got.Offset)
	}
	if got.Error() != text {
		t.Errorf("error of %q:\n got %s\nwant %s", in, got, text)
	}
}

func TestNewFormat(t *testing.T) {
	f, err := NewFormat(Version, TCPFlags, Bytes)
	if err != nil || f.String() != "${version} ${tcp-flags} ${bytes}" {
		t.Errorf("NewFormat = %v, %v", f, err)
	}
	if got := f.Index(Bytes); got != 2 {
		t.Errorf("Index(bytes) = %d, want 2", got)
	}
	if got := f.Index(End); got != -1 {
		t.Errorf("Index(end) = %d, want -1", got)
	}
	if !f.Has(TCPFlags) || f.Has(End) || f.Has(None) {
		t.Errorf("Has: tcp-flags %v, end %v, none %v", f.Has(TCPFlags), f.Has(End), f.Has(None))
	}
	if diff := cmp.Diff([]Field{Version, TCPFlags, Bytes}, f.Fields()); diff != "" {
		t.Errorf("Fields (-want +got):\n%s", diff)
	}
	for name, fields := range map[string][]Field{
		"no fields": nil, "none": {Version, None}, "not a field": {numFields}, "twice": {End, Start, End},
	} {
		if f, err := NewFormat(fields...); err == nil {
			t.Errorf("%s: NewFormat = %v, want an error", name, f)
		}
	}
	for _, v := range []int{-1, 0, 1, 6, 12} {
		if f, err := UpTo(v); err == nil {
			t.Errorf("UpTo(%d) = %v, want an error", v, f)
		}
	}
}

func TestDistance(t *testing.T) {
	for _, tt := range []struct {
		a, b string
		want int
	}{
		{"", "", 0}, {"", "end", 3}, {"end", "", 3}, {"end", "end", 0}, {"edn", "end", 1}, {"ends", "end", 1},
		{"eend", "end", 1}, {"and", "end", 1}, {"start", "stats", 2}, {"kitten", "sitting", 3},
	} {
		if got := distance(tt.a, tt.b); got != tt.want {
			t.Errorf("distance(%q, %q) = %d, want %d", tt.a, tt.b, got, tt.want)
		}
	}
}
