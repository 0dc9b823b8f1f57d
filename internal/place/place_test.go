package place

import (
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"weir/internal/awsconfig"
	"weir/internal/objectstore"
	"weir/recordfile"
)

func TestMain(m *testing.M) {
	// No SDK in here may ask a cloud for anything.
	os.Setenv("AWS_EC2_METADATA_DISABLED", "true")
	os.Setenv("AWS_CONFIG_FILE", os.DevNull)
	os.Setenv("AWS_SHARED_CREDENTIALS_FILE", os.DevNull)
	os.Setenv("AWS_ACCESS_KEY_ID", accessKey)
	os.Setenv("AWS_SECRET_ACCESS_KEY", secretKey)
	if dir := os.Getenv(childEnv); dir != "" {
		child(dir)
	}
	os.Exit(m.Run())
}

const (
	accessKey = "WEIRTESTACCESS"
	secretKey = "not-a-secret"
	region    = "eu-test-1"
	bucketT   = "flow-logs"
	childEnv  = "WEIR_PLACE_CHILD"
)

// A store is the embedded S3 with a counter before it.
type store struct {
	*objectstore.Server
	dir   string
	url   string
	lists atomic.Int64
	gets  atomic.Int64
	spoil func(http.ResponseWriter, *http.Request) bool
}

// serve runs the embedded S3 until the test ends. Its bucket is a directory.
func serve(t testing.TB) *store {
	t.Helper()
	st := &store{dir: t.TempDir()}
	s, err := objectstore.Open(objectstore.Config{Dir: st.dir, Region: region, AccessKey: accessKey, SecretKey: secretKey})
	if err != nil {
		t.Fatal(err)
	}
	st.Server = s
	done := make(chan error, 1)
	go func() { done <- s.Run(context.Background()) }()
	t.Cleanup(func() {
		s.Close()
		<-done
	})
	if err := s.CreateBucket(t.Context(), bucketT); err != nil {
		t.Fatal(err)
	}
	u, _ := url.Parse(s.Endpoint())
	proxy := &httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) {
		r.SetURL(u)
		r.Out.Host = r.In.Host
	}, Transport: &http.Transport{MaxIdleConnsPerHost: 64, DisableCompression: true}}
	front := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Query().Has("list-type") {
			st.lists.Add(1)
		} else {
			st.gets.Add(1)
		}
		if st.spoil != nil && st.spoil(w, r) {
			return
		}
		proxy.ServeHTTP(w, r)
	}))
	t.Cleanup(front.Close)
	st.url = front.URL
	return st
}

// put puts an object into the bucket: a file.
func (st *store) put(t testing.TB, key, content string) {
	t.Helper()
	name := filepath.Join(st.dir, "objects", bucketT, filepath.FromSlash(key))
	if err := os.MkdirAll(filepath.Dir(name), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(name, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
}

func (st *store) config(place string) Config {
	return Config{Places: []string{place}, AWS: awsconfig.Options{Endpoint: st.url, Region: region}}
}

// names returns the names of what is found, without the common beginning.
func names(t testing.TB, cfg Config) (out []string, l *List) {
	t.Helper()
	l, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	for o, err := range l.Objects(t.Context()) {
		if err != nil {
			t.Fatalf("after %d: %v", len(out), err)
		}
		out = append(out, o.Name)
	}
	return out, l
}

func key(change func(*recordfile.Key)) string {
	k := recordfile.Key{Account: "111111111111", Region: "eu-test-1", FlowLog: "fl-1", Time: noon, Hash: 1}
	change(&k)
	return k.String()
}

var noon = time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)

// TestFoldersThatCannotMatchAreNotListed has 400 days of three accounts in three
// regions, and wants an hour.
func TestFoldersThatCannotMatchAreNotListed(t *testing.T) {
	for _, o := range []recordfile.Options{{}, {Hive: true}, {PerHour: true}, {Hive: true, PerHour: true}} {
		t.Run(fmt.Sprintf("%+v", o), func(t *testing.T) {
			st := serve(t)
			days := 400
			if o.Hive || o.PerHour {
				days = 40 // files are what takes long
			}
			var want []string
			for _, account := range []string{"111111111111", "222222222222", "333333333333"} {
				for _, region := range []string{"eu-test-1", "eu-test-2", "us-test-1"} {
					for day := range days {
						k := key(func(k *recordfile.Key) {
							k.Account, k.Region, k.Options, k.Prefix, k.Time = account, region, o, "team/a", noon.AddDate(0, 0, -day)
						})
						st.put(t, k, "x")
						if day == days/2 {
							want = append(want, "s3://flow-logs/"+k)
						}
					}
				}
			}
			cfg := st.config("s3://flow-logs")
			cfg.Since = noon.AddDate(0, 0, -days/2)
			cfg.Until = cfg.Since.Add(time.Hour)
			got, l := names(t, cfg)
			if strings.Join(got, "\n") != strings.Join(want, "\n") {
				t.Errorf("found\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
			}
			t.Logf("%d calls, %+v", st.lists.Load(), l.Account())
			if n := st.lists.Load(); n > 60 {
				t.Errorf("%d calls, want a few dozen", n)
			}
			st.lists.Store(0)
			cfg.Accounts, cfg.Regions, cfg.FlowLogs = []string{"222222222222"}, []string{"us-test-1"}, []string{"fl-1"}
			if got, _ := names(t, cfg); len(got) != 1 || st.lists.Load() > 12 {
				t.Errorf("of one account and region: %q, by %d calls", got, st.lists.Load())
			}
			st.lists.Store(0)
			cfg = st.config("s3://flow-logs/team")
			if got, _ := names(t, cfg); len(got) != 9*days || st.lists.Load() > 40 {
				t.Errorf("without a time: %d objects, by %d calls", len(got), st.lists.Load())
			}
		})
	}
}

func TestTimesAtTheirBounds(t *testing.T) {
	st := serve(t)
	for m := -30; m < 30; m += 5 {
		st.put(t, key(func(k *recordfile.Key) { k.Time = noon.Add(time.Duration(m) * time.Minute) }), "x")
	}
	minutes := func(cfg Config) (out []int) {
		found, _ := names(t, cfg)
		for _, name := range found {
			n, err := recordfile.ParseName(name[strings.LastIndexByte(name, '/')+1:])
			if err != nil {
				t.Fatal(err)
			}
			out = append(out, int(n.Time.Sub(noon).Minutes()))
		}
		return out
	}
	for _, tt := range []struct {
		name         string
		since, until time.Time
		want         string
	}{
		{"a record that ends at Since is in the file of Since", noon, noon.Add(time.Minute), "[0 5 10 15]"},
		{"a second before is in the file before", noon.Add(-time.Second), noon, "[-5 0 5 10]"},
		{"a second after is in the same file", noon.Add(299 * time.Second), noon.Add(300 * time.Second), "[0 5 10 15]"},
		{"no end", noon.Add(20 * time.Minute), time.Time{}, "[20 25]"},
		{"no beginning", time.Time{}, noon.Add(-29 * time.Minute), "[-30 -25 -20 -15]"},
	} {
		cfg := st.config("s3://flow-logs/")
		cfg.Since, cfg.Until = tt.since, tt.until
		if got := fmt.Sprint(minutes(cfg)); got != tt.want {
			t.Errorf("%s: %s, want %s", tt.name, got, tt.want)
		}
		cfg.FlowLogs = []string{"fl-1"} // these are asked for by the beginning of their names
		if got := fmt.Sprint(minutes(cfg)); got != tt.want {
			t.Errorf("%s, one flow log: %s, want %s", tt.name, got, tt.want)
		}
	}
}

func TestPrefixes(t *testing.T) {
	st := serve(t)
	flow := key(func(k *recordfile.Key) { k.Prefix = "web" })
	org := key(func(k *recordfile.Key) { k.Prefix, k.Organization = "org", "o-a1b2c3d4e5" })
	for _, k := range []string{flow, org, "web/notes.txt", "web2/x.log", "web.log", "plain/2026/11/stream-1", "plain/b c+d%.gz", "plain/.hidden/ü",
		"web/AWSLogs/111111111111/CloudTrail/eu-test-1/2026/11/24/x.json.gz", "web/AWSLogs/test"} {
		st.put(t, k, "x")
	}
	for _, tt := range []struct{ place, want, skipped string }{
		{"web", flow, "s3://flow-logs/web/AWSLogs/111111111111/CloudTrail/ s3://flow-logs/web/AWSLogs/test s3://flow-logs/web/notes.txt"},
		{"web/", flow, "s3://flow-logs/web/AWSLogs/111111111111/CloudTrail/ s3://flow-logs/web/AWSLogs/test s3://flow-logs/web/notes.txt"},
		{"web.log", "web.log", ""},
		{"web2*", "web2/x.log", ""},
		{"web/notes.txt", "web/notes.txt", ""},
		{"plain", "plain/.hidden/ü plain/2026/11/stream-1 plain/b c+d%.gz", ""},
		{"org/AWSLogs/o-a1b2c3d4e5", org, ""},
		{"web/AWSLogs/111111111111/vpcflowlogs/eu-test-1/2026/11/24", flow, ""},
		{flow, flow, ""},
	} {
		got, l := names(t, st.config("s3://flow-logs/"+tt.place))
		all := strings.ReplaceAll(strings.Join(got, " "), "s3://flow-logs/", "")
		if all != tt.want {
			t.Errorf("%s: found %s, want %s", tt.place, all, tt.want)
		}
		if s := strings.Join(l.Account().Examples, " "); s != tt.skipped && len(s) != len(tt.skipped) {
			t.Errorf("%s: skipped %s, want %s", tt.place, s, tt.skipped)
		}
	}
}

func hintOf(err error) string {
	var hinted interface{ Hint() string }
	if errors.As(err, &hinted) {
		return hinted.Hint()
	}
	return ""
}

func TestPlacesThatAreNotThere(t *testing.T) {
	st := serve(t)
	st.put(t, "web/x.log", "x")
	closed := httptest.NewServer(nil)
	closed.Close()
	for _, tt := range []struct{ place, endpoint, want, hint string }{
		{"s3://no-such-bucket/x", st.url, "NoSuchBucket: The specified bucket does not exist", "aws s3 ls shows the buckets"},
		{"s3://flow-logs/we", st.url, "s3://flow-logs/we: nothing is there", "in s3://flow-logs/ there is web/"},
		{"s3://flow-logs/web/y/z/", st.url, "nothing is there", "in s3://flow-logs/web/ there is x.log"},
		{"s3://", st.url, "no bucket", "s3://BUCKET/PREFIX"},
		{"s3://flow-logs", closed.URL, "connection refused", "nothing listens at " + closed.URL},
		{"s3://flow-logs", "localhost:1", "is not a URL", "such as http"},
		{"gs://flow-logs", st.url, "no place", "s3://BUCKET"},
		{"logs:///", st.url, "no log group", "logs://GROUP"},
		{"/no/such/file", "", "/no/such/file: no such file or directory", "s3://BUCKET"},
		{"", "", "without a name", ""},
	} {
		t.Setenv("AWS_MAX_ATTEMPTS", "1")
		cfg := st.config(tt.place)
		cfg.AWS.Endpoint = tt.endpoint
		l, err := New(cfg)
		if err == nil {
			for _, err = range l.Objects(t.Context()) {
			}
		}
		if err == nil || !strings.Contains(err.Error(), tt.want) || !strings.Contains(hintOf(err), tt.hint) {
			t.Errorf("%q: %v\nhint: %s", tt.place, err, hintOf(err))
		}
	}
}

func read(t testing.TB, e Entry) string {
	t.Helper()
	r, err := e.Open(t.Context())
	if err != nil {
		t.Fatalf("open %s: %v", e.Name, err)
	}
	defer r.Close()
	b, err := io.ReadAll(r)
	if err != nil {
		t.Fatalf("read %s: %v", e.Name, err)
	}
	return string(b)
}

func entries(t testing.TB, cfg Config) (out []Entry) {
	t.Helper()
	l, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	for e, err := range l.Entries(t.Context()) {
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, e)
	}
	return out
}

func TestBrokenConnections(t *testing.T) {
	st := serve(t)
	content := strings.Repeat("0123456789abcdef", 1<<16)
	st.put(t, "big", content)
	broken := 0
	st.spoil = func(w http.ResponseWriter, r *http.Request) bool {
		if r.Method != http.MethodGet || r.URL.Query().Has("list-type") || broken >= 3 {
			return false
		}
		broken++
		var from int
		fmt.Sscanf(r.Header.Get("Range"), "bytes=%d-", &from)
		if from > 0 && r.Header.Get("If-Match") != `"one"` {
			t.Errorf("a part is asked for if the object is %q", r.Header.Get("If-Match"))
		}
		w.Header().Set("ETag", `"one"`)
		w.Header().Set("Content-Length", fmt.Sprint(len(content)-from))
		if from > 0 {
			w.WriteHeader(http.StatusPartialContent)
		}
		n := 300_000
		if broken == 3 {
			n = len(content) - from
		}
		io.WriteString(w, content[from:from+n])
		w.(http.Flusher).Flush()
		if broken < 3 {
			panic(http.ErrAbortHandler)
		}
		return true
	}
	if got := read(t, entries(t, st.config("s3://flow-logs/big"))[0]); got != content {
		t.Errorf("%d bytes came, want %d", len(got), len(content))
	}
	if broken != 3 {
		t.Errorf("%d connections, want 3", broken)
	}
}

func TestReplacedObjects(t *testing.T) {
	st := serve(t)
	st.put(t, "big", "0123456789")
	st.spoil = func(w http.ResponseWriter, r *http.Request) bool {
		switch {
		case r.URL.Query().Has("list-type"):
			return false
		case r.Header.Get("If-Match") != "":
			w.WriteHeader(http.StatusPreconditionFailed)
			io.WriteString(w, "<Error><Code>PreconditionFailed</Code><Message>At least one</Message></Error>")
			return true
		}
		w.Header().Set("ETag", `"one"`)
		w.Header().Set("Content-Length", "10")
		io.WriteString(w, "01234")
		w.(http.Flusher).Flush()
		panic(http.ErrAbortHandler)
	}
	r, err := entries(t, st.config("s3://flow-logs/big"))[0].Open(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if b, err := io.ReadAll(r); err == nil || !strings.Contains(err.Error(), "replaced while it was read") {
		t.Errorf("read %q, %v", b, err)
	}
}

func TestReadAnywhere(t *testing.T) {
	st := serve(t)
	var b strings.Builder
	for i := range 3 << 20 / 8 {
		fmt.Fprintf(&b, "%08x", i)
	}
	content := b.String()
	st.put(t, "big", content)
	st.put(t, "small", content[:1000])
	st.put(t, "empty", "")
	for _, e := range entries(t, st.config("s3://flow-logs")) {
		st.gets.Store(0)
		r, size, err := e.OpenAt(t.Context())
		if err != nil || size != e.Size {
			t.Fatalf("%s: %d, %v", e.Name, size, err)
		}
		want := content[:size]
		var wg sync.WaitGroup
		for part := range 3 { // columns side by side
			wg.Go(func() {
				buf := make([]byte, 10_000)
				for off := int64(part) << 20; off < min(size, int64(part+1)<<20); off += int64(len(buf)) {
					n, err := r.ReadAt(buf, off)
					if string(buf[:n]) != want[off:off+int64(n)] || n < len(buf) && err != io.EOF || n == len(buf) && err != nil {
						t.Errorf("%s at %d: %d, %v", e.Name, off, n, err)
					}
				}
			})
		}
		wg.Wait()
		buf := make([]byte, 8)
		if n, err := r.ReadAt(buf, size-3); size > 3 && (n != 3 || err != io.EOF) {
			t.Errorf("%s at its end: %d, %v", e.Name, n, err)
		}
		if n, err := r.ReadAt(buf, size); n != 0 || err != io.EOF {
			t.Errorf("%s after its end: %d, %v", e.Name, n, err)
		}
		t.Logf("%s: %d requests", e.Name, st.gets.Load())
		if st.gets.Load() > 16 {
			t.Errorf("%s: %d requests", e.Name, st.gets.Load())
		}
	}
}

func TestMissing(t *testing.T) {
	st := serve(t)
	for _, m := range []int{0, 5, 15, 20, 40} {
		st.put(t, key(func(k *recordfile.Key) { k.Time = noon.Add(time.Duration(m) * time.Minute) }), "x")
	}
	for _, tt := range []struct {
		name              string
		since, until, now int
		want              string
	}{
		{"between the first and the last", -1, -1, 600, "10-15 25-40"},
		{"up to the end", -1, 60, 600, "10-15 25-40 45-60"},
		{"up to what may be there by now", -1, 60, 67, "10-15 25-40 45-55"},
		{"from the beginning", 5, -1, 600, "10-15 25-40"},
		{"within", 15, 30, 600, "25-30"},
	} {
		cfg := st.config("s3://flow-logs")
		if tt.since >= 0 {
			cfg.Since = noon.Add(time.Duration(tt.since) * time.Minute)
		}
		if tt.until >= 0 {
			cfg.Until = noon.Add(time.Duration(tt.until) * time.Minute)
		}
		cfg.Now = func() time.Time { return noon.Add(time.Duration(tt.now) * time.Minute) }
		_, l := names(t, cfg)
		var got []string
		for _, g := range l.Missing() {
			if g.FlowLog != "fl-1" || g.Account != "111111111111" || g.Region != "eu-test-1" {
				t.Errorf("%s: a gap of %+v", tt.name, g)
			}
			got = append(got, fmt.Sprintf("%v-%v", g.From.Sub(noon).Minutes(), g.To.Sub(noon).Minutes()))
		}
		if s := strings.Join(got, " "); s != tt.want {
			t.Errorf("%s: %s, want %s", tt.name, s, tt.want)
		}
	}
}

func compress(text string) string {
	var b strings.Builder
	z := gzip.NewWriter(&b)
	io.WriteString(z, text)
	z.Close()
	return b.String()
}
