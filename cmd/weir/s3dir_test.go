package main

import (
	"encoding/xml"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
)

// serveS3 is the command "s3 DIR" of scripts: from here on the commands of the script
// find an S3 whose buckets are the directories in DIR.
func serveS3(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: s3 DIR")
	}
	server := httptest.NewServer(dirS3(ts.MkAbs(args[0])))
	ts.Defer(server.Close)
	for k, v := range map[string]string{
		"AWS_ENDPOINT_URL": server.URL, "AWS_ACCESS_KEY_ID": "AKIDEXAMPLE", "AWS_SECRET_ACCESS_KEY": "secret",
		"AWS_REGION": "eu-test-1", "AWS_EC2_METADATA_DISABLED": "true", "AWS_CONFIG_FILE": os.DevNull, "AWS_SHARED_CREDENTIALS_FILE": os.DevNull,
	} {
		ts.Setenv(k, v)
	}
}

// A dirS3 is as much of an S3 as reading takes, over a directory of buckets. It checks
// no signatures and knows no pages. An object that says "denied" can't be read.
type dirS3 string

func (d dirS3) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	bucket, key, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, "/"), "/")
	root := filepath.Join(string(d), bucket)
	fail := func(status int, code, message string) {
		w.WriteHeader(status)
		w.Write([]byte("<Error><Code>" + code + "</Code><Message>" + message + "</Message></Error>"))
	}
	if _, err := os.Stat(root); err != nil {
		fail(http.StatusNotFound, "NoSuchBucket", "The specified bucket does not exist")
		return
	}
	if key != "" {
		b, err := os.ReadFile(filepath.Join(root, filepath.FromSlash(key)))
		switch {
		case err != nil:
			fail(http.StatusNotFound, "NoSuchKey", "The specified key does not exist.")
		case strings.HasPrefix(string(b), "denied"):
			fail(http.StatusForbidden, "AccessDenied", "Access Denied")
		default:
			w.Write(b)
		}
		return
	}
	type object struct {
		Key, LastModified string
		Size              int64
	}
	type folder struct{ Prefix string }
	var out struct {
		XMLName        xml.Name `xml:"ListBucketResult"`
		Contents       []object
		CommonPrefixes []folder
	}
	prefix := r.FormValue("prefix")
	seen := map[string]bool{}
	filepath.WalkDir(root, func(p string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		rel, _ := filepath.Rel(root, p)
		key := filepath.ToSlash(rel)
		rest, ok := strings.CutPrefix(key, prefix)
		if !ok {
			return nil
		}
		if i := strings.IndexByte(rest, '/'); i >= 0 && r.FormValue("delimiter") == "/" {
			if f := prefix + rest[:i+1]; !seen[f] {
				seen[f] = true
				out.CommonPrefixes = append(out.CommonPrefixes, folder{f})
			}
			return nil
		}
		fi, err := e.Info()
		if err != nil {
			return err
		}
		out.Contents = append(out.Contents, object{key, fi.ModTime().UTC().Format(time.RFC3339), fi.Size()})
		return nil
	})
	b, _ := xml.Marshal(out)
	w.Write(b)
}
