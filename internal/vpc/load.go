package vpc

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"reflect"
	"slices"
	"strings"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/parser"
	"github.com/goccy/go-yaml/token"
)

// maxConfig is the size of the largest configuration that is read.
const maxConfig = 8 << 20

// A Problem is something wrong in a configuration.
type Problem struct {
	Line, Column int    // from 1; 0 if it is about no line in particular
	Path         string // such as subnets[1].cidrs[0]
	Message      string
	Excerpt      string // of the file, with the place marked; may be empty
}

// String returns line, column, path and message.
func (p Problem) String() string {
	s := p.Message
	if p.Path != "" {
		s = p.Path + ": " + s
	}
	if p.Line > 0 {
		s = fmt.Sprintf("%d:%d: %s", p.Line, p.Column, s)
	}
	return s
}

// A ConfigError is everything that is wrong in a configuration.
type ConfigError struct {
	File     string
	Problems []Problem // by line; at least one
}

// Error returns all problems with excerpts of the file.
func (e *ConfigError) Error() string {
	var b strings.Builder
	for i, p := range e.Problems {
		if i > 0 {
			b.WriteString("\n")
		}
		fmt.Fprintf(&b, "%s:%s", e.File, p)
		if p.Excerpt != "" {
			b.WriteString("\n" + strings.TrimRight(p.Excerpt, "\n"))
		}
	}
	return b.String()
}

// Load reads and checks the configuration in a file. What is wrong in it is a
// [*ConfigError].
func Load(path string) (*Config, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, maxConfig+1))
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", path, err)
	}
	return Parse(path, data)
}

// Parse reads and checks a configuration; name is what errors call the file. An
// empty one is valid: everything has a default.
func Parse(name string, data []byte) (*Config, error) {
	fail := func(p ...Problem) (*Config, error) { return nil, &ConfigError{name, p} }
	if len(data) > maxConfig {
		return fail(Problem{Message: fmt.Sprintf("larger than %d bytes", maxConfig)})
	}
	tree, err := parseTree(data)
	if err != nil {
		return fail(problemOf(err))
	}
	d := newDecoder()
	c := new(Config)
	var bodies []ast.Node
	for _, doc := range tree.Docs {
		if doc.Body != nil && doc.Body.Type() != ast.CommentType {
			bodies = append(bodies, doc.Body)
		}
	}
	if len(bodies) > 1 {
		return fail(newProblem(tokenOf(bodies[1]), "", "a second document: the configuration is one"))
	}
	for _, body := range bodies {
		ast.Walk(collect(d.anchors), body)
		d.value(body, reflect.ValueOf(c).Elem(), "", "")
	}
	if len(d.problems) == 0 {
		c.setDefaults()
		check(c, d)
	}
	if len(d.problems) > 0 {
		slices.SortStableFunc(d.problems, func(a, b Problem) int { return a.Line - b.Line })
		return fail(d.problems...)
	}
	c.from = &written{name, d}
	return c, nil
}

// written tells where in a file each value of a configuration stands.
type written struct {
	name string
	d    *decoder
}

// Wrong returns a [*ConfigError] about a value that only whoever uses it can
// judge; path is like flow-logs[0].log-format.
func (c *Config) Wrong(path string, err error) error {
	p := Problem{Path: path, Message: err.Error()}
	if c.from == nil {
		return &ConfigError{"configuration", []Problem{p}}
	}
	return &ConfigError{c.from.name, []Problem{newProblem(tokenOf(c.from.d.place(path)), path, p.Message)}}
}

// Default returns the configuration of an empty file.
func Default() *Config {
	c := new(Config)
	c.setDefaults()
	return c
}

// parseTree parses YAML. The parser has been seen to panic on broken input; that
// is an error of the input here.
func parseTree(data []byte) (tree *ast.File, err error) {
	defer func() {
		if r := recover(); r != nil {
			tree, err = nil, fmt.Errorf("not YAML: the parser gave up on it: %v", r)
		}
	}()
	if len(bytes.TrimSpace(data)) == 0 {
		return &ast.File{}, nil
	}
	return parser.ParseBytes(data, 0)
}

func problemOf(err error) Problem {
	var y yaml.Error
	if errors.As(err, &y) {
		return newProblem(y.GetToken(), "", y.GetMessage())
	}
	return Problem{Message: err.Error()}
}

func newProblem(t *token.Token, at, message string) (p Problem) {
	p = Problem{Path: at, Message: message}
	if t == nil || t.Position == nil {
		return p
	}
	p.Line, p.Column = t.Position.Line, t.Position.Column
	defer func() { _ = recover() }() // an excerpt is not worth a crash
	text := yaml.FormatErrorWithToken("", t, false, true)
	if _, after, ok := strings.Cut(text, "\n"); ok {
		p.Excerpt = after
	}
	return p
}

func (c *Config) setDefaults() {
	if (c.Region == "" || c.Region == DefaultRegion) && c.AvailabilityZoneID == "" {
		c.AvailabilityZoneID = DefaultAZID
	}
	fill(reflect.ValueOf(c).Elem())
}

// fill sets what is zero to the default in its tag.
func fill(v reflect.Value) {
	for i := range v.NumField() {
		f := v.Field(i)
		tag := v.Type().Field(i).Tag
		if tag.Get("yaml") == "" {
			continue
		}
		switch f.Kind() {
		case reflect.Slice:
			for j := 0; f.Type().Elem().Kind() == reflect.Struct && j < f.Len(); j++ {
				if keysOf(f.Type().Elem()).keys != nil {
					fill(f.Index(j))
				}
			}
		case reflect.Struct:
			if keysOf(f.Type()).keys != nil {
				fill(f)
			}
		case reflect.Pointer:
			if f.IsNil() || f.Elem().Kind() == reflect.Int || f.Elem().Kind() == reflect.Bool {
				continue
			}
			if f.Elem().Kind() == reflect.Slice {
				for j := range f.Elem().Len() {
					fill(f.Elem().Index(j))
				}
				continue
			}
			fill(f.Elem())
		default:
			if text := tag.Get("default"); text != "" && f.IsZero() {
				d := decoder{places: map[string]ast.Node{}, budget: 1}
				d.text(text, f)
			}
		}
	}
}
