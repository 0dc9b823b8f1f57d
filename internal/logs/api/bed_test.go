package api

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"weir/internal/cloudwatch"
	"weir/internal/journal"
	"weir/internal/logs"
)

// noon is what the clock of a bed says first: 1795521600000 milliseconds.
var noon = time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)

// A bed is a service over a store of its own, and a clock that only tests move.
type bed struct {
	t testing.TB
	*Service
	store   *logs.Store
	metrics *Metrics
	now     time.Time
	vars    map[string]string // that answers have set
}

func newBed(t testing.TB) *bed {
	b := &bed{t: t, now: noon, metrics: NewMetrics(), vars: make(map[string]string)}
	j, err := journal.Open(t.Context(), journal.Config{Dir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { j.Close() })
	b.store, err = logs.Open(t.Context(), logs.Config{
		Journal: j, Now: func() time.Time { return b.now },
		Taken: func(group, _ string, events []cloudwatch.Event) {
			if err := b.metrics.Taken(context.Background(), b.store, group, events); err != nil {
				b.t.Error(err)
			}
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(b.store.Close)
	b.Service, err = New(Config{
		Account: "123456789012", Region: "eu-test-1", Store: b.store, Metrics: b.metrics, Now: func() time.Time { return b.now },
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(b.Service.Close)
	return b
}

// call makes a call and returns the answer, or the error as "CODE: MESSAGE".
func (b *bed) call(action, body string) (answer, failed string) {
	b.t.Helper()
	out, err := b.Do(b.t.Context(), action, []byte(body))
	if err == nil {
		return string(out), ""
	}
	var e *cloudwatch.Error
	if !errors.As(err, &e) {
		b.t.Fatalf("%s %s: %v", action, body, err)
	}
	return "", e.Error()
}

// ok makes a call that must succeed, and reads the answer.
func ok[T any](b *bed, action string, in any) *T {
	b.t.Helper()
	body, err := json.Marshal(in)
	if err != nil {
		b.t.Fatal(err)
	}
	answer, failed := b.call(action, string(body))
	if failed != "" {
		b.t.Fatalf("%s %.200s: %s", action, body, failed)
	}
	out := new(T)
	if answer != "" {
		if err := json.Unmarshal([]byte(answer), out); err != nil {
			b.t.Fatal(err)
		}
	}
	return out
}

// TestScripts plays the calls of testdata/*.txt. A line "> ACTION BODY" is a call and the
// next one what it is answered: "< BODY", nothing if it has none, or "! CODE: MESSAGE". In
// an answer "$name" stands for any text, the same wherever it stands; in a call it is that
// text. "# …" is what the lines below show.
func TestScripts(t *testing.T) {
	files, err := filepath.Glob("testdata/*.txt")
	if err != nil || len(files) == 0 {
		t.Fatalf("no scripts: %v", err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txt"), func(t *testing.T) {
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			b := newBed(t)
			lines := strings.Split(strings.TrimSpace(string(text)), "\n")
			for i := 0; i < len(lines); i++ {
				request, isRequest := strings.CutPrefix(lines[i], "> ")
				if !isRequest {
					if lines[i] != "" && lines[i][0] != '#' {
						t.Fatalf("%s:%d: %q", file, i+1, lines[i])
					}
					continue
				}
				want := ""
				if i+1 < len(lines) {
					want = lines[i+1]
				}
				i++
				b.play(fmt.Sprintf("%s:%d", file, i), request, want)
			}
		})
	}
}

func (b *bed) play(at, request, want string) {
	b.t.Helper()
	for name, value := range b.vars {
		request = strings.ReplaceAll(request, "$"+name+`"`, value+`"`)
	}
	action, body, _ := strings.Cut(request, " ")
	answer, failed := b.call(action, body)
	got := strings.TrimSpace("< " + answer)
	if failed != "" {
		got = "! " + failed
	}
	wantBody, isAnswer := strings.CutPrefix(want, "< ")
	if !isAnswer || answer == "" {
		if got != want {
			b.t.Errorf("%s: %s\n got %s\nwant %s", at, request, got, want)
		}
		return
	}
	var g, w any
	if err := errors.Join(json.Unmarshal([]byte(answer), &g), json.Unmarshal([]byte(wantBody), &w)); err != nil {
		b.t.Fatalf("%s: %v", at, err)
	}
	if !b.same(g, w) {
		b.t.Errorf("%s: %s\n got %s\nwant %s", at, request, got, want)
	}
}

// same compares what JSON has made, and sets variables.
func (b *bed) same(got, want any) bool {
	switch w := want.(type) {
	case map[string]any:
		g, ok := got.(map[string]any)
		if !ok || len(g) != len(w) {
			return false
		}
		for key := range w {
			if v, has := g[key]; !has || !b.same(v, w[key]) {
				return false
			}
		}
		return true
	case []any:
		g, ok := got.([]any)
		if !ok || len(g) != len(w) {
			return false
		}
		for i := range w {
			if !b.same(g[i], w[i]) {
				return false
			}
		}
		return true
	case string:
		g, ok := got.(string)
		if name, isVar := strings.CutPrefix(w, "$"); ok && isVar {
			if value, set := b.vars[name]; set {
				return g == value
			}
			b.vars[name] = g
			return g != ""
		}
	}
	return reflect.DeepEqual(got, want)
}

func TestTooManyTags(t *testing.T) {
	b := newBed(t)
	tags := make(map[string]string)
	for i := range maxTags - 1 {
		tags[fmt.Sprint(i)] = ""
	}
	ok[nothing](b, "CreateLogGroup", cloudwatch.CreateLogGroup{LogGroupName: "g", Tags: tags})
	ok[nothing](b, "TagLogGroup", cloudwatch.TagLogGroup{LogGroupName: "g", Tags: map[string]string{"0": "again", "last": ""}})
	const want = "TooManyTagsException: A resource can have no more than 50 tags: arn:aws:logs:eu-test-1:123456789012:log-group:g"
	if _, failed := b.call("TagLogGroup", `{"logGroupName":"g","tags":{"more":""}}`); failed != want {
		t.Errorf("got  %s\nwant %s", failed, want)
	}
}
