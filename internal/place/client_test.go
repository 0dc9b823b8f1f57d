package place

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"weir/internal/awsconfig"
)

func TestAddresses(t *testing.T) {
	for _, tt := range []struct {
		name, endpoint, region, bucket, key string
		env                                 map[string]string
		want                                string
	}{
		{"Amazon's", "", "eu-west-1", "logs", "a/b", nil, "https://logs.s3.eu-west-1.amazonaws.com/a/b"},
		{"no region", "", "", "logs", "", nil, "https://logs.s3.us-east-1.amazonaws.com/"},
		{"a bucket with a dot", "", "eu-west-1", "my.logs", "a", nil, "https://s3.eu-west-1.amazonaws.com/my.logs/a"},
		{"China's", "", "cn-north-1", "logs", "", nil, "https://logs.s3.cn-north-1.amazonaws.com.cn/"},
		{"FIPS", "", "us-east-1", "logs", "", map[string]string{"AWS_USE_FIPS_ENDPOINT": "true"}, "https://logs.s3-fips.us-east-1.amazonaws.com/"},
		{"both IP versions", "", "us-east-1", "logs", "", map[string]string{"AWS_USE_DUALSTACK_ENDPOINT": "true"}, "https://logs.s3.dualstack.us-east-1.amazonaws.com/"},
		{"another's", "http://127.0.0.1:9000", "r", "logs", "a b/ü+%", nil, "http://127.0.0.1:9000/logs/a%20b/%C3%BC%2B%25"},
		{"another's with a path", "http://127.0.0.1:9000/s3/", "r", "logs", "a//../b", nil, "http://127.0.0.1:9000/s3/logs/a//../b"},
		{"the environment's for S3", "", "r", "logs", "", map[string]string{"AWS_ENDPOINT_URL_S3": "http://127.0.0.1:1", "AWS_ENDPOINT_URL": "http://127.0.0.1:2"}, "http://127.0.0.1:1/logs"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			for k, v := range tt.env {
				t.Setenv(k, v)
			}
			conf, err := awsconfig.Load(t.Context(), awsconfig.Options{Endpoint: tt.endpoint, Region: tt.region})
			if err != nil {
				t.Fatal(err)
			}
			c, err := newClient(t.Context(), conf, &Config{})
			if err != nil {
				t.Fatal(err)
			}
			u, err := c.address(tt.bucket, tt.key, c.region(tt.bucket))
			if err != nil || u.String() != tt.want {
				t.Errorf("%v, %v, want %s", u, err, tt.want)
			}
		})
	}
}

// TestBucketsElsewhere has a bucket in another region than the configured one: requests
// are signed for that as soon as an answer tells. The object is in both places, and named
// once.
func TestBucketsElsewhere(t *testing.T) {
	var regions []string
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, scope, _ := strings.Cut(r.Header.Get("Authorization"), "Credential="+accessKey+"/")
		region := strings.Split(scope+"//", "/")[1]
		regions = append(regions, region)
		if r.Header.Get("X-Amz-Request-Payer") != "requester" {
			t.Error("nobody pays")
		}
		if region != "ap-test-9" {
			w.WriteHeader(http.StatusBadRequest)
			w.Write([]byte("<Error><Code>AuthorizationHeaderMalformed</Code><Message>expecting 'ap-test-9'</Message><Region>ap-test-9</Region></Error>"))
			return
		}
		w.Write([]byte(page1("x")))
	}))
	defer server.Close()
	got, _ := names(t, Config{Places: []string{"s3://logs", "s3://logs"}, RequesterPays: true, AWS: awsconfig.Options{Endpoint: server.URL, Region: region}})
	if len(got) != 1 || strings.Join(regions, " ") != "eu-test-1 ap-test-9 ap-test-9" {
		t.Errorf("%q, by requests for %q", got, regions)
	}
}

func TestAnonymousRequests(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if a := r.Header.Get("Authorization"); a != "" {
			t.Errorf("the request is signed: %s", a)
		}
		w.Write([]byte(page1("x")))
	}))
	defer server.Close()
	t.Setenv("AWS_ACCESS_KEY_ID", "")
	t.Setenv("AWS_SECRET_ACCESS_KEY", "")
	if got, _ := names(t, Config{Places: []string{"s3://logs"}, Anonymous: true, AWS: awsconfig.Options{Endpoint: server.URL}}); len(got) != 1 {
		t.Errorf("found %q", got)
	}
}
