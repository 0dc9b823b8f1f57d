package objectstore

import (
	"net/http"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/versity/versitygw/auth"

	"weir/internal/sigv4"
)

// withKeys is a server that knows two keys besides the first while they are on.
func withKeys(t *testing.T) (s *Server, on *atomic.Bool) {
	on = new(atomic.Bool)
	on.Store(true)
	cfg := config(t.TempDir())
	cfg.Keys = func(id string) (sigv4.Key, bool) {
		switch {
		case id == "SECOND" && on.Load():
			return sigv4.Key{ID: id, Secret: "second-secret"}, true
		case id == "ASIATHIRD" && on.Load():
			return sigv4.Key{ID: id, Secret: "third-secret", Token: "to/ken="}, true
		}
		return sigv4.Key{}, false
	}
	s, _ = serve(t, cfg)
	return s, on
}

func clientOf(s *Server, id, secret, token string) *s3.Client {
	return s3.New(s3.Options{
		BaseEndpoint: aws.String(s.Endpoint()), UsePathStyle: true, Region: region, RetryMaxAttempts: 1,
		Credentials: credentials.NewStaticCredentialsProvider(id, secret, token),
	})
}

// TestKeys has a second key do what S3's clients do most, and with the first one's
// buckets.
func TestKeys(t *testing.T) {
	s, _ := withKeys(t)
	second, third := clientOf(s, "SECOND", "second-secret", ""), clientOf(s, "ASIATHIRD", "third-secret", "to/ken=")
	testObjects(t, s, second)

	if err := s.CreateBucket(t.Context(), "of-the-first"); err != nil {
		t.Fatal(err)
	}
	first := client(s.Endpoint(), secretKey)
	put(t, second, "of-the-first", "a", "of the second")
	put(t, third, "of-the-first", "b", "of the third")
	for _, c := range []*s3.Client{first, second, third} {
		if got := get(t, c, "of-the-first", "a", "") + get(t, c, "of-the-first", "b", ""); got != "of the secondof the third" {
			t.Errorf("the objects are %q", got)
		}
		out, err := c.ListBuckets(t.Context(), nil)
		if err != nil {
			t.Fatal(err)
		}
		var names []string
		for _, b := range out.Buckets {
			names = append(names, *b.Name)
		}
		if !strings.Contains(strings.Join(names, " "), "of-the-first") {
			t.Errorf("the buckets are %q", names)
		}
	}
	link, err := s3.NewPresignClient(third).PresignGetObject(t.Context(), &s3.GetObjectInput{Bucket: aws.String("of-the-first"), Key: aws.String("a")})
	if err != nil {
		t.Fatal(err)
	}
	if res, err := http.Get(link.URL); err != nil || res.StatusCode != http.StatusOK {
		t.Errorf("presigned with a token: %v, %v", res, err)
	}
	const policy = `{"Statement":[{"Effect":"Allow","Principal":"SECOND","Action":"s3:GetObject","Resource":"arn:aws:s3:::of-the-first/*"}]}`
	if _, err := second.PutBucketPolicy(t.Context(), &s3.PutBucketPolicyInput{Bucket: aws.String("of-the-first"), Policy: aws.String(policy)}); err != nil {
		t.Errorf("a policy that names a key: %v", err)
	}
}

func TestKeysRefused(t *testing.T) {
	s, on := withKeys(t)
	if err := s.CreateBucket(t.Context(), "bucket"); err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		name, id, secret, token string
		want                    string
	}{
		{"wrong secret", "SECOND", "third-secret", "", "SignatureDoesNotMatch"},
		{"another's secret", "SECOND", secretKey, "", "SignatureDoesNotMatch"},
		{"a token too many", "SECOND", "second-secret", "t", "InvalidToken"},
		{"no token", "ASIATHIRD", "third-secret", "", "InvalidToken"},
		{"wrong token", "ASIATHIRD", "third-secret", "to/ken", "InvalidToken"},
		{"a token for the first key", accessKey, secretKey, "t", "InvalidToken"},
		{"unknown key", "NOBODY", "second-secret", "", "InvalidAccessKeyId"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, err := clientOf(s, tt.id, tt.secret, tt.token).ListObjectsV2(t.Context(), &s3.ListObjectsV2Input{Bucket: aws.String("bucket")})
			if code(err) != tt.want {
				t.Errorf("got %v, want %s", err, tt.want)
			}
		})
	}
	c := clientOf(s, "SECOND", "second-secret", "")
	put(t, c, "bucket", "a", "b")
	on.Store(false)
	_, err := c.ListBuckets(t.Context(), nil)
	if code(err) != "InvalidAccessKeyId" {
		t.Errorf("a key that was taken away: %v, want InvalidAccessKeyId", err)
	}
}

func TestAccounts(t *testing.T) {
	single := auth.NewIAMServiceSingle(auth.Account{Access: "FIRST", Secret: "s", Role: auth.RoleAdmin})
	for _, a := range []accounts{{single, nil}, {single, func(string) (sigv4.Key, bool) { return sigv4.Key{}, true }}} {
		if _, err := a.GetUserAccount("FIRST"); err != nil {
			t.Error(err)
		}
		missing, err := a.ResolveAccounts([]string{"FIRST", "", "SECOND"})
		if err != nil || len(missing) != 2 {
			t.Errorf("missing are %q, %v, want all but FIRST", missing, err)
		}
		if _, _, err := a.DeriveSigningKey("", "", "20261124", region, "s3"); err != auth.ErrNoSuchUser {
			t.Errorf("a key without an id: %v, want %v", err, auth.ErrNoSuchUser)
		}
	}
}
