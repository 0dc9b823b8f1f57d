package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// terraformDir has the configuration that users begin with, and in test what it is
// tested with besides.
const terraformDir = "../../e2e/terraform"

// terraformNetwork is what the data sources of test/look.tf find besides the bed's.
const terraformNetwork = `availability-zone: eu-test-1a
availability-zone-id: eut1-az1
security-groups:
  - name: web
    vpc: lab
    description: web servers
    tags: {tier: web}
    ingress: [{protocol: tcp, ports: 443, cidrs: [10.199.0.0/24]}]
    egress: [{protocol: tcp, ports: 443, cidrs: [10.199.0.0/24]}]
`

// terraformPlugins returns a directory that has the AWS provider: Terraform would
// otherwise ask its registry.
func terraformPlugins(t *testing.T) string {
	t.Helper()
	dirs := []string{os.Getenv("WEIR_TERRAFORM_PLUGINS")}
	if dirs[0] == "" {
		// The implied mirrors (Terraform's documentation, "CLI Configuration",
		// read 2026-11-24).
		dirs = nil
		if home, err := os.UserHomeDir(); err == nil {
			dirs = append(dirs, filepath.Join(home, ".terraform.d/plugins"), filepath.Join(home, ".local/share/terraform/plugins"))
		}
		dirs = append(dirs, "/usr/local/share/terraform/plugins", "/usr/share/terraform/plugins")
	}
	for _, dir := range dirs {
		if st, err := os.Stat(filepath.Join(dir, "registry.terraform.io/hashicorp/aws")); err == nil && st.IsDir() {
			return dir
		}
	}
	t.Skipf("\n*** SKIPPED: Terraform has NOT been used: no hashicorp/aws in %q; WEIR_TERRAFORM_PLUGINS names a filesystem mirror ***", dirs)
	return ""
}

// A terraform is a copy of the configuration, and what happened to it.
type terraform struct {
	t    *testing.T
	path string
	dir  string
	env  []string
	vars []string
}

func newTerraform(t *testing.T, path, plugins string, env []string) *terraform {
	t.Helper()
	tf := &terraform{t: t, path: path, dir: t.TempDir()}
	tf.copy("main.tf")
	rc := filepath.Join(t.TempDir(), "terraform.rc")
	if err := os.WriteFile(rc, fmt.Appendf(nil, "provider_installation {\n  filesystem_mirror { path = %q }\n}\n", plugins), 0o600); err != nil {
		t.Fatal(err)
	}
	tf.env = append(os.Environ(), append(env, "TF_CLI_CONFIG_FILE="+rc, "CHECKPOINT_DISABLE=1", "TF_IN_AUTOMATION=1", "TF_INPUT=0",
		"AWS_EC2_METADATA_DISABLED=true", "AWS_CONFIG_FILE=/dev/null", "AWS_SHARED_CREDENTIALS_FILE=/dev/null",
		"AWS_PROFILE=", "AWS_REGION=", "NO_PROXY=127.0.0.1", "no_proxy=127.0.0.1")...)
	return tf
}

// copy adds a file to the configuration.
func (tf *terraform) copy(file string) {
	tf.t.Helper()
	text, err := os.ReadFile(filepath.Join(terraformDir, file))
	if err == nil {
		err = os.WriteFile(filepath.Join(tf.dir, filepath.Base(file)), text, 0o600)
	}
	if err != nil {
		tf.t.Fatal(err)
	}
}

// try runs a command, and returns its status and all it says, with one space between
// any two words: Terraform folds lines.
func (tf *terraform) try(args ...string) (int, string) {
	tf.t.Helper()
	switch args[0] {
	case "plan", "apply", "destroy", "import":
		args = slices.Concat(args[:1], []string{"-no-color", "-lock-timeout=5s"}, tf.vars, args[1:])
	}
	cmd := exec.CommandContext(tf.t.Context(), tf.path, args...)
	cmd.Dir, cmd.Env = tf.dir, tf.env
	out, err := cmd.CombinedOutput()
	if err != nil && cmd.ProcessState.ExitCode() < 1 {
		tf.t.Fatalf("terraform %q: %v\n%s", args, err, out)
	}
	return cmd.ProcessState.ExitCode(), strings.Join(strings.Fields(string(out)), " ")
}

// run runs a command that has to end with a status and to say something.
func (tf *terraform) run(status int, says string, args ...string) string {
	tf.t.Helper()
	got, out := tf.try(args...)
	if got != status || !strings.Contains(out, says) {
		tf.t.Fatalf("terraform %q ends with status %d, want %d and %q:\n%s", args, got, status, says, out)
	}
	return out
}

// settled checks that a plan has nothing to do.
func (tf *terraform) settled() {
	tf.t.Helper()
	tf.run(0, "No changes.", "plan", "-detailed-exitcode")
}

// output reads one of the outputs.
func (tf *terraform) output(name string, value any) {
	tf.t.Helper()
	cmd := exec.CommandContext(tf.t.Context(), tf.path, "output", "-json", name)
	cmd.Dir, cmd.Env = tf.dir, tf.env
	out, err := cmd.Output()
	if err == nil {
		err = json.Unmarshal(out, value)
	}
	if err != nil {
		tf.t.Fatalf("terraform output %s: %v in %s", name, err, out)
	}
}

// ids returns the flow logs of interface, subnet and VPC.
func (tf *terraform) ids() (ids []string) {
	tf.t.Helper()
	tf.output("flow_logs", &ids)
	if len(ids) != 3 {
		tf.t.Fatalf("flow logs are %q, want 3", ids)
	}
	return ids
}

// weir runs a command of ours, and returns what it prints.
func (tf *terraform) weir(args ...string) string {
	tf.t.Helper()
	self, err := os.Executable()
	if err != nil {
		tf.t.Fatal(err)
	}
	var stderr bytes.Buffer
	cmd := &exec.Cmd{Path: self, Args: append([]string{"weir"}, args...), Env: tf.env, Stderr: &stderr}
	out, err := cmd.Output()
	if err != nil {
		tf.t.Fatalf("weir %q: %v\n%s", args, err, stderr.String())
	}
	return string(out)
}

// newTerraformBed starts weir serve, and prepares Terraform to use it.
func newTerraformBed(t *testing.T) (*serveBed, *exec.Cmd, *terraform) {
	t.Helper()
	if os.Getenv("WEIR_CLIENTS") == "" {
		t.Skip("set WEIR_CLIENTS=1 to run Terraform, for minutes")
	}
	path, err := exec.LookPath("terraform")
	if err != nil {
		t.Skipf("\n*** SKIPPED: Terraform has NOT been used: %v ***", err)
	}
	plugins := terraformPlugins(t)
	b := newServeBed(t, "", terraformNetwork)
	cmd, exports := b.serve()
	var env []string
	for _, line := range exports {
		env = append(env, strings.TrimPrefix(line, "export "))
	}
	tf := newTerraform(t, path, plugins, env)
	tf.vars = []string{"-var=address=" + farther.String()}
	return b, cmd, tf
}

// TestTerraform makes, changes, loses, takes over and destroys flow logs with
// Terraform, which is told nothing but the lines that weir serve prints.
func TestTerraform(t *testing.T) {
	t.Parallel() // it waits for minutes to end
	b, cmd, tf := newTerraformBed(t)
	tf.run(0, "successfully initialized", "init", "-no-color")
	tf.copy("test/look.tf")
	tf.run(0, "5 added, 0 changed, 0 destroyed", "apply", "-auto-approve")
	tf.settled()
	tf.looks()

	b.until(time.Minute, "the interfaces are captured", func() bool { n, _ := b.metric("weir_agent_interfaces"); return n == 2 })
	if _, err := b.far.Namespace().ServeHTTP(netip.AddrPortFrom(farther, 80), nil); err != nil {
		t.Fatal(err)
	}
	if _, _, err := b.near.Namespace().Get(t.Context(), "http://"+farther.String()); err != nil {
		t.Fatal(err)
	}

	tf.changes()
	tf.isRefused()
	tf.run(0, "5 destroyed", "destroy", "-auto-approve")
	b.until(time.Minute, "nothing is captured any more", func() bool { n, ok := b.metric("weir_agent_interfaces"); return ok && n == 0 })
	b.terminate(cmd)
}

// looks checks what data sources find.
func (tf *terraform) looks() {
	tf.t.Helper()
	var got map[string]any
	tf.output("found", &got)
	for name, want := range map[string]any{
		"account": "123456789012", "region": "eu-test-1", "zone": "eu-test-1", "vpc": "10.199.0.0/24", "subnet": "10.199.0.0/24",
		"interfaces": 2.0, "group": "web servers", "rule": "10.199.0.0/24", "acls": 1.0, "bucket": "arn:aws:s3:::flow-logs",
	} {
		if got[name] != want {
			tf.t.Errorf("%s is %v, want %v", name, got[name], want)
		}
	}
}

// changes changes tags, takes a flow log over, deletes one behind Terraform's
// back, and changes a format.
func (tf *terraform) changes() {
	tf.t.Helper()
	before := tf.ids()
	tf.vars = append(tf.vars, "-var=name=renamed")
	tf.run(0, "0 added, 1 changed, 0 destroyed", "apply", "-auto-approve")
	if after := tf.ids(); !slices.Equal(after, before) {
		tf.t.Errorf("with another tag flow logs are %q, were %q", after, before)
	}
	tf.run(0, "Removed", "state", "rm", "aws_flow_log.interface")
	tf.run(0, "Import successful", "import", "aws_flow_log.interface", before[0])
	tf.settled()

	tf.weir("delete", before[0])
	tf.vars = append(tf.vars, `-var=fields=["srcaddr","dstaddr"]`)
	out := tf.run(0, "2 added, 0 changed, 1 destroyed", "apply", "-auto-approve")
	for _, want := range []string{"aws_flow_log.interface will be created", "aws_flow_log.subnet must be replaced"} {
		if !strings.Contains(out, want) {
			tf.t.Errorf("with a flow log deleted and another format apply does not say %q:\n%s", want, out)
		}
	}
	tf.settled()
	if after := tf.ids(); after[0] == before[0] || after[1] == before[1] || after[2] != before[2] {
		tf.t.Errorf("flow logs are %q, were %q; the first two have to be others", after, before)
	}
}

// isRefused checks that errors of Amazon's arrive.
func (tf *terraform) isRefused() {
	tf.t.Helper()
	tf.copy("test/wrong.tf")
	out := tf.run(1, "", "apply", "-auto-approve")
	for _, want := range []string{
		"LogDestination: not-there does not exist",
		"InvalidParameterValue: 1 validation error detected: Value '${version}, ${srcaddr}' at 'logFormat' has an invalid format",
		"FlowLogAlreadyExists: Error. There is an existing Flow Log with the same configuration and log destination.",
	} {
		if !strings.Contains(out, want) {
			tf.t.Errorf("apply does not say %q:\n%s", want, out)
		}
	}
	if err := os.Remove(filepath.Join(tf.dir, "wrong.tf")); err != nil {
		tf.t.Fatal(err)
	}
}
