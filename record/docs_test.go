package record

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"text/template"

	"github.com/google/go-cmp/cmp"
)

// TestDocsPage fails if the page about the format does not say what the table
// of fields says; go generate writes it anew.
func TestDocsPage(t *testing.T) {
	const source, page = "testdata/flow-record.md.tmpl", "../docs/formats/flow-record.md"
	tmpl, err := template.New(filepath.Base(source)).Funcs(template.FuncMap{
		"values": func(f Field) string { return "`" + strings.Join(f.Values(), "`, `") + "`" },
	}).ParseFiles(source)
	if err != nil {
		t.Fatal(err)
	}
	type group struct {
		Word         string
		Len, Version int
	}
	var data struct {
		Header, Default, Gateway string
		GatewayLen               int
		VPC, TGW, Listed         []Field
		Groups                   []group
	}
	data.Header = string(Default().AppendHeader(nil))
	data.Default, data.Gateway, data.GatewayLen = Default().String(), TransitGateway().String(), TransitGateway().Len()
	for _, f := range AllFields() {
		if f.InVPC() {
			data.VPC = append(data.VPC, f)
		} else {
			data.TGW = append(data.TGW, f)
		}
		if len(f.Values()) > 0 {
			data.Listed = append(data.Listed, f)
		}
	}
	for _, v := range versions() {
		word := fmt.Sprintf("v%d", v)
		data.Groups = append(data.Groups, group{word, mustFormat(t, word).Len(), v})
	}
	var want bytes.Buffer
	if err := tmpl.Execute(&want, data); err != nil {
		t.Fatal(err)
	}
	want.Truncate(len(bytes.TrimRight(want.Bytes(), "\n")))
	want.WriteByte('\n')
	if os.Getenv("WEIR_WRITE_DOCS") != "" {
		if err := os.WriteFile(page, want.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want.String(), string(got)); diff != "" {
		t.Errorf("%s is stale, run go generate (-want +got):\n%s", page, diff)
	}
}
