package vpc

import (
	"bytes"
	"encoding"
	"encoding/json"
	"flag"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"reflect"
	"strconv"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write the generated pages")

const (
	schemaFile = "../../docs/weir.schema.json"
	pageFile   = "../../docs/configuration.md"
)

// configStructs are the structs of the configuration, in the order in which
// they are first used.
func configStructs() []reflect.Type {
	var out []reflect.Type
	var visit func(t reflect.Type)
	visit = func(t reflect.Type) {
		for t.Kind() == reflect.Pointer || t.Kind() == reflect.Slice {
			t = t.Elem()
		}
		if t.Kind() != reflect.Struct || len(keysOf(t).keys) == 0 {
			return
		}
		for _, known := range out {
			if known == t {
				return
			}
		}
		out = append(out, t)
		for _, key := range keysOf(t).keys {
			visit(keysOf(t).byKey[key].Type)
		}
	}
	visit(reflect.TypeFor[Config]())
	return out
}

// comments returns the comments of structs and fields, as "Config" and "Config.VPCs".
func comments(t *testing.T) map[string]string {
	t.Helper()
	file, err := parser.ParseFile(token.NewFileSet(), "config.go", nil, parser.ParseComments)
	if err != nil {
		t.Fatal(err)
	}
	out := make(map[string]string)
	for _, d := range file.Decls {
		g, ok := d.(*ast.GenDecl)
		if !ok || g.Tok != token.TYPE {
			continue
		}
		s := g.Specs[0].(*ast.TypeSpec)
		out[s.Name.Name] = oneLine(g.Doc.Text())
		for _, f := range s.Type.(*ast.StructType).Fields.List {
			out[s.Name.Name+"."+f.Names[0].Name] = oneLine(f.Doc.Text())
		}
	}
	return out
}

func oneLine(s string) string { return strings.Join(strings.Fields(s), " ") }

func TestDocsSchemaIsCurrent(t *testing.T) {
	says := comments(t)
	defs := make(map[string]any)
	for _, s := range configStructs() {
		defs[s.Name()] = structSchema(s, says)
	}
	root := defs["Config"].(map[string]any)
	delete(defs, "Config")
	root["$schema"] = "https://json-schema.org/draft/2020-12/schema"
	root["title"] = "weir.yaml"
	root["$defs"] = defs
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	if err := e.Encode(root); err != nil {
		t.Fatal(err)
	}
	compare(t, schemaFile, b.Bytes())
}

func compare(t *testing.T, name string, want []byte) {
	t.Helper()
	if *update {
		if err := os.WriteFile(name, want, 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if got, err := os.ReadFile(name); err != nil || !bytes.Equal(got, want) {
		t.Errorf("%s is not what the structs say (%v): run go generate ./internal/vpc", name, err)
	}
}

func structSchema(s reflect.Type, says map[string]string) map[string]any {
	props, required := make(map[string]any), []string{}
	for _, key := range keysOf(s).keys {
		f := keysOf(s).byKey[key]
		p := typeSchema(f.Type, f.Tag)
		p["description"] = says[s.Name()+"."+f.Name]
		if p["description"] == "" {
			panic(s.Name() + "." + f.Name + " has no comment")
		}
		if d := f.Tag.Get("default"); d != "" && f.Type.Kind() != reflect.Slice {
			p["default"] = literal(d, f.Type)
		}
		if f.Tag.Get("required") != "" {
			required = append(required, key)
		}
		props[key] = p
	}
	out := map[string]any{"type": "object", "additionalProperties": false, "properties": props}
	if len(required) > 0 {
		out["required"] = required
	}
	return out
}

// literal is a default as JSON has it.
func literal(s string, t reflect.Type) any {
	for t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	if n, err := strconv.Atoi(s); err == nil && t.Kind() == reflect.Int {
		return n
	}
	if t.Kind() == reflect.Bool {
		return s == "true"
	}
	return s
}

// An account of digits only and a port are numbers to an editor's YAML.
var numberOrText = []string{"string", "integer"}

func typeSchema(t reflect.Type, tag reflect.StructTag) map[string]any {
	for t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	p := make(map[string]any)
	switch _, text := reflect.New(t).Interface().(encoding.TextUnmarshaler); {
	case t == reflect.TypeFor[TypeName]():
		p["enum"] = InterfaceTypes()
	case t == reflect.TypeFor[AccountID](), t == reflect.TypeFor[Protocol](), t == reflect.TypeFor[PortRange](), t == reflect.TypeFor[Size]():
		p["type"] = numberOrText
	case text:
		p["type"] = "string"
	case t.Kind() == reflect.Struct:
		return map[string]any{"$ref": "#/$defs/" + t.Name()}
	case t.Kind() == reflect.Slice:
		p["type"], p["items"] = "array", typeSchema(t.Elem(), "")
	case t.Kind() == reflect.Map:
		p["type"], p["additionalProperties"] = "object", map[string]any{"type": []string{"string", "number", "boolean", "null"}}
	case t.Kind() == reflect.Bool:
		p["type"] = "boolean"
	case t.Kind() == reflect.Int:
		p["type"] = "integer"
		for tagKey, key := range map[string]string{"min": "minimum", "max": "maximum"} {
			if n, err := strconv.Atoi(tag.Get(tagKey)); err == nil {
				p[key] = n
			}
		}
	default:
		p["type"] = "string"
	}
	if e := tag.Get("enum"); e != "" && e != "types" {
		var list []any
		for _, v := range strings.Split(e, ",") {
			list = append(list, literal(v, t))
		}
		p["enum"] = list
	}
	return p
}

// The page's words around the tables are in testdata.
func TestDocsPageIsCurrent(t *testing.T) {
	intro, err := os.ReadFile("testdata/configuration.md")
	if err != nil {
		t.Fatal(err)
	}
	says := comments(t)
	b := bytes.NewBuffer(intro)
	where := paths()
	for _, s := range configStructs() {
		title := "`" + where[s] + "`"
		if where[s] == "" {
			title = "Top of the file"
		}
		fmt.Fprintf(b, "\n### %s\n\n| key | default | example | meaning |\n|---|---|---|---|\n", title)
		for _, key := range keysOf(s).keys {
			f := keysOf(s).byKey[key]
			meaning := says[s.Name()+"."+f.Name]
			if e := f.Tag.Get("enum"); e != "" && e != "types" {
				meaning += " One of `" + strings.ReplaceAll(e, ",", "`, `") + "`."
			}
			fmt.Fprintf(b, "| `%s` | %s | %s | %s |\n", key, defaultText(f), exampleText(s, f), strings.ReplaceAll(meaning, "|", "\\|"))
		}
	}
	compare(t, pageFile, b.Bytes())
}

func defaultText(f reflect.StructField) string {
	switch d := f.Tag.Get("default") + f.Tag.Get("unset"); {
	case f.Tag.Get("required") != "":
		return "required"
	case d != "":
		return "`" + d + "`"
	}
	return "–"
}

func exampleText(s reflect.Type, f reflect.StructField) string {
	if e := f.Tag.Get("example"); e != "" {
		return "`" + e + "`"
	}
	t := f.Type
	for t.Kind() == reflect.Pointer || t.Kind() == reflect.Slice {
		t = t.Elem()
	}
	if t.Kind() != reflect.Struct {
		panic(s.Name() + "." + f.Name + " has no example")
	}
	return "see `" + paths()[t] + "`"
}

// paths says where in the file the keys of each struct are.
func paths() map[reflect.Type]string {
	out := map[reflect.Type]string{reflect.TypeFor[Config](): ""}
	for _, s := range configStructs() {
		for _, key := range keysOf(s).keys {
			t, at := keysOf(s).byKey[key].Type, join(out[s], key)
			for t.Kind() == reflect.Pointer || t.Kind() == reflect.Slice {
				if t.Kind() == reflect.Slice {
					at += "[]"
				}
				t = t.Elem()
			}
			if _, known := out[t]; !known && len(keysOfAny(t)) > 0 {
				out[t] = at
			}
		}
	}
	return out
}

func keysOfAny(t reflect.Type) []string {
	if t.Kind() != reflect.Struct {
		return nil
	}
	return keysOf(t).keys
}

// TestDocsExamplesAreValid loads the example of each key, where it stands by
// itself: what it refers to may be missing then.
func TestDocsExamplesAreValid(t *testing.T) {
	for _, s := range configStructs() {
		for key, f := range keysOf(s).byKey {
			e := f.Tag.Get("example")
			if e == "" {
				continue
			}
			text := key + ": " + e
			tree, err := parseTree([]byte(text))
			if err != nil {
				t.Errorf("%s: %v", text, err)
				continue
			}
			d := newDecoder()
			v := reflect.New(s).Elem()
			d.value(tree.Docs[0].Body, v, "", "")
			for _, p := range d.problems {
				if !strings.Contains(p.Message, "is missing") {
					t.Errorf("%s: %s", text, p)
				}
			}
			if v.FieldByIndex(f.Index).IsZero() {
				t.Errorf("%s sets nothing", text)
			}
		}
	}
}
