package clienttest

import (
	"context"
	"errors"
	"flag"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"weir/internal/awsapi"
	"weir/internal/ec2"
	"weir/internal/flowlog"
	"weir/internal/journal"
	"weir/internal/kv/kvtest"
	"weir/internal/logs"
	"weir/internal/logs/api"
	"weir/internal/sigv4"
	"weir/internal/vpc"
)

// clientsDir has the clients, the network that they see, and what they have to be
// told of it.
const clientsDir = "../../../e2e/clients"

// update has the client for Python write what it is told of the network to
// answers.json, which is then to be read by somebody; the one for JavaScript has to
// be told the same.
var update = flag.Bool("update", false, "write e2e/clients/answers.json")

// TestClients runs the clients that most programs speak Amazon's API with, each
// against a service of its own. They send every parameter they know and compare what
// they are told.
func TestClients(t *testing.T) {
	if os.Getenv("WEIR_CLIENTS") == "" {
		t.Skip("set WEIR_CLIENTS=1 to install and run Amazon's clients for Python and JavaScript")
	}
	t.Run("boto3", func(t *testing.T) {
		python, err := exec.LookPath("python3")
		if err != nil {
			skip(t, "boto3", err.Error())
		}
		if out, err := run(t, nil, python, "-c", "import boto3"); err != nil {
			skip(t, "boto3", out)
		}
		args := []string{python, "check.py"}
		if *update {
			args = append(args, "--update")
		}
		check(t, args...)
		check(t, python, "check_logs.py")
	})
	t.Run("JavaScript", func(t *testing.T) {
		node, err := exec.LookPath("node")
		if err != nil {
			skip(t, "the SDK for JavaScript", err.Error())
		}
		npm, err := exec.LookPath("npm")
		if err != nil {
			skip(t, "the SDK for JavaScript", err.Error())
		}
		if out, err := run(t, nil, npm, "ci", "--no-audit", "--no-fund"); err != nil {
			skip(t, "the SDK for JavaScript", "npm ci: "+out)
		}
		check(t, node, "check.mjs")
	})
	// Moto is no authority: what it does otherwise is only printed.
	t.Run("moto", func(t *testing.T) {
		python, err := exec.LookPath("python3")
		if err != nil {
			skip(t, "moto", err.Error())
		}
		if out, err := run(t, nil, python, "-c", "import moto.server"); err != nil {
			skip(t, "moto", out)
		}
		check(t, python, "moto_compare.py")
	})
}

func skip(t *testing.T, client, why string) {
	t.Helper()
	t.Skipf("\n*** SKIPPED: %s has NOT been used on our API: %s ***", client, why)
}

// check runs a client, which says itself what is wrong.
func check(t *testing.T, args ...string) {
	t.Helper()
	out, err := run(t, []string{
		"AWS_ENDPOINT_URL=" + serve(t), "AWS_ACCESS_KEY_ID=" + key.ID, "AWS_SECRET_ACCESS_KEY=" + key.Secret,
		"AWS_REGION=eu-west-1", "AWS_DEFAULT_REGION=eu-west-1",
		"AWS_EC2_METADATA_DISABLED=true", "AWS_CONFIG_FILE=/dev/null", "AWS_SHARED_CREDENTIALS_FILE=/dev/null",
		"NO_PROXY=127.0.0.1", "no_proxy=127.0.0.1",
	}, args...)
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	t.Log(out)
}

// run runs a program where the clients are, and returns all it says.
func run(t *testing.T, env []string, args ...string) (string, error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, args[0], args[1:]...)
	cmd.Dir = clientsDir
	cmd.Env = append(os.Environ(), env...)
	out, err := cmd.CombinedOutput()
	return string(out), errors.Join(err, ctx.Err())
}

var key = sigv4.Key{ID: "AKIAIOSFODNN7EXAMPLE", Secret: "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"}

// serve starts a service without any flow logs, and returns where it is.
func serve(t *testing.T) string {
	t.Helper()
	c, err := vpc.Load(filepath.Join(clientsDir, "network.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	index := vpc.NewIndex(c.Network())
	api, err := awsapi.New(awsapi.Config{
		Account: string(c.Account), Region: string(c.Region), Logs: flowlog.NewStore(kvtest.New(), kvtest.New()),
		Keys:  func(id string) (sigv4.Key, bool) { return key, id == key.ID },
		Model: func() *vpc.Index { return index }, Tags: kvtest.New(), Tokens: kvtest.New(),
		CloudWatch: logGroups(t, string(c.Account), string(c.Region)),
		Bucket: func(_ context.Context, bucket string) error {
			switch bucket {
			case "nowhere":
				return ec2.DestinationNotFound.With(bucket)
			case "closed":
				return ec2.DestinationDenied.With(bucket)
			}
			return nil
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(api)
	t.Cleanup(server.Close)
	return server.URL
}

// logGroups starts a CloudWatch Logs without any group.
func logGroups(t *testing.T, account, region string) *api.Service {
	t.Helper()
	j, err := journal.Open(t.Context(), journal.Config{Dir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { j.Close() })
	store, err := logs.Open(t.Context(), logs.Config{Journal: j})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(store.Close)
	service, err := api.New(api.Config{Account: account, Region: region, Store: store})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(service.Close)
	return service
}
