package place

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"weir/recordfile"
)

// TestOnlyWhatCanMatchIsAskedFor looks at every request for one hour of one flow log, in
// one account and region of several, in all layouts, with and without an organization
// and a folder of the bucket.
func TestOnlyWhatCanMatchIsAskedFor(t *testing.T) {
	for _, o := range []recordfile.Options{{}, {Hive: true}, {PerHour: true}, {Hive: true, PerHour: true}} {
		for _, organization := range []string{"", "o-a1b2c3d4e5"} {
			for _, prefix := range []string{"", "team/a"} {
				t.Run(fmt.Sprintf("%+v%s%s", o, organization, strings.ReplaceAll(prefix, "/", "")), func(t *testing.T) {
					askedFor(t, o, organization, prefix)
				})
			}
		}
	}
}

func askedFor(t *testing.T, o recordfile.Options, organization, prefix string) {
	st := serve(t)
	cfg := st.config("s3://flow-logs/" + prefix)
	cfg.Since, cfg.Until = noon.Add(5*time.Minute), noon.Add(30*time.Minute)
	cfg.Accounts, cfg.Regions, cfg.FlowLogs = []string{"222222222222"}, []string{"eu-test-2"}, []string{"fl-2"}
	var want []string
	for _, account := range []string{"111111111111", "222222222222"} {
		for _, region := range []string{"eu-test-1", "eu-test-2"} {
			for _, id := range []string{"fl-1", "fl-2"} {
				for _, at := range []time.Duration{-366 * 24 * time.Hour, -31 * 24 * time.Hour, -24 * time.Hour, -time.Hour, 0, 10 * time.Minute, 2 * time.Hour, 24 * time.Hour} {
					k := key(func(k *recordfile.Key) {
						k.Options, k.Organization, k.Prefix = o, organization, prefix
						k.Account, k.Region, k.FlowLog, k.Time = account, region, id, noon.Add(at)
					})
					st.put(t, k, "x")
					if account == "222222222222" && region == "eu-test-2" && id == "fl-2" && at == 10*time.Minute {
						want = append(want, k)
					}
				}
			}
		}
	}
	var mu sync.Mutex
	var listed, got []string
	st.spoil = func(_ http.ResponseWriter, r *http.Request) bool {
		mu.Lock()
		defer mu.Unlock()
		if q := r.URL.Query(); q.Has("list-type") {
			listed = append(listed, q.Get("prefix"))
		} else {
			got = append(got, strings.TrimPrefix(r.URL.Path, "/flow-logs/"))
		}
		return false
	}
	for _, e := range entries(t, cfg) {
		read(t, e)
	}
	if !slices.Equal(got, want) {
		t.Errorf("downloaded\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	// One call for each folder on the way, two where a folder of a day has hours, and
	// two of those as files may come late.
	if len(listed) > 16 {
		t.Errorf("%d calls to list", len(listed))
	}
	for _, p := range listed {
		for _, no := range []string{"111111111111", "eu-test-1", "fl-1", "2025", "/10/", "month=10", "/23/", "day=23", "/25/", "day=25", "/11/24/11/", "hour=11", "/11/24/14/", "hour=14"} {
			if strings.Contains(p, no) {
				t.Errorf("%s is listed", p)
			}
		}
	}
	t.Logf("%d calls: %s", len(listed), strings.Join(listed, " "))
}
