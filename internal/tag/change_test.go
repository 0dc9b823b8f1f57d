package tag

import (
	"context"
	"encoding/json"
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"

	"weir/internal/kv/kvtest"
	"weir/internal/vpc"
)

func TestChange(t *testing.T) {
	own := vpc.Tags{"Name": "web", "Team": "net"}
	var c Change
	check := func(rule string, want vpc.Tags) {
		t.Helper()
		raw, err := json.Marshal(&c)
		if err != nil {
			t.Fatal(err)
		}
		kept := new(Change)
		if err := json.Unmarshal(raw, kept); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, kept.Over(own)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", rule, diff)
		}
	}
	check("nothing", own)
	c.Put("Name", "db")
	c.Put("Env", "")
	check("a tag that is set wins", vpc.Tags{"Name": "db", "Team": "net", "Env": ""})
	c.Remove([]string{"Env", "Team", "unknown"}, own)
	check("the model's tag stays away", vpc.Tags{"Name": "db"})
	c.Remove([]string{"Name"}, own)
	check("not even the model's value comes back", vpc.Tags{})
	c.Put("Team", "ops")
	check("until it is set again", vpc.Tags{"Team": "ops"})
	if diff := cmp.Diff(vpc.Tags{"Name": "web", "Team": "net"}, own); diff != "" {
		t.Errorf("the model's own are changed (-want +got):\n%s", diff)
	}
	if got := (*Change)(nil).Over(own); !cmp.Equal(got, own) {
		t.Errorf("no change makes %v", got)
	}
}

func TestWatch(t *testing.T) {
	b := kvtest.New()
	put := func(id, value string) {
		if _, err := b.Put(t.Context(), id, []byte(value)); err != nil {
			t.Fatal(err)
		}
	}
	put("eni-1", `{"set":{"k":"v"}}`)
	put("eni-2", "no JSON")
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	lines, done := make(chan string, 9), make(chan error, 1)
	go func() {
		done <- Watch(ctx, b, func(id string, c *Change) {
			line := id
			if c != nil {
				line += fmt.Sprint(" ", c.Over(nil))
			}
			lines <- line
		})
	}()
	got := []string{<-lines, <-lines}
	put("eni-1", `{"gone":{"k":true}}`)
	got = append(got, <-lines)
	if err := b.Delete(t.Context(), "eni-1"); err != nil {
		t.Error(err)
	}
	got = append(got, <-lines)
	cancel()
	err := <-done
	if want := []string{"eni-1 map[k:v]", "", "eni-1 map[]", "eni-1"}; err != context.Canceled || !cmp.Equal(got, want) {
		t.Errorf("%q, %v, want %q", got, err, want)
	}
}
