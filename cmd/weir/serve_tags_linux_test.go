package main

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"weir/internal/lab"
	"weir/record"
)

// TestTagsOfTheAPIAreRecorded tags an interface and its instance with an AWS CLI, and
// finds the tags in the records of a flow log that shows them.
func TestTagsOfTheAPIAreRecorded(t *testing.T) {
	clients := awsClients(t)
	b := newServeBed(t, "", `flow-logs:
  - name: tagged
    resource: lab
    max-aggregation-interval: 60
    destination: arn:aws:s3:::tagged
    log-format: '${interface-id} ${protocol} ${interface-tag} ${instance-tag} ${instance-tag-2}'
    interface-tag-keys: [role]
    instance-tag-keys: [Team, none]
`)
	cmd, exports := b.serve()
	var env []string
	for _, line := range exports {
		env = append(env, strings.TrimPrefix(line, "export "))
	}
	_, endpoint, _ := strings.Cut(env[0], "=")
	u := &awsUser{t: t, path: clients[0], endpoint: endpoint, env: env[1:]}
	b.capturing()
	ids := strings.Fields(u.run("ec2", "describe-network-interfaces", "--filters", "Name=addresses.private-ip-address,Values="+farther.String(),
		"--query", "NetworkInterfaces[0].[NetworkInterfaceId,Attachment.InstanceId]", "--output", "text"))
	if len(ids) != 2 {
		t.Fatalf("the interface and its instance are %q", ids)
	}
	u.run("ec2", "create-tags", "--resources", ids[0], "--tags", "Key=role,Value=web front")
	u.run("ec2", "create-tags", "--resources", ids[1], "--tags", "Key=Team,Value=net")
	if sent, answered, err := b.near.Namespace().Ping(t.Context(), lab.PingConfig{Dst: farther, Count: 3}); err != nil || sent != answered {
		t.Fatalf("%d of %d pings are answered, %v", answered, sent, err)
	}
	b.terminate(cmd) // hands over the window

	cmd, _ = b.serve()
	var got string
	found := func() bool {
		for path, body := range embeddedObjects(t, b.data) {
			eachRecord(t, path, body, func(r *record.Record) {
				text := func(f record.Field) string { return string(r.AppendField(nil, f)) }
				if text(record.InterfaceID) == ids[0] && text(record.Protocol) == "1" {
					got = fmt.Sprint(text(record.InterfaceTag), " ", text(record.InstanceTag), " ", text(record.InstanceTag2))
				}
			})
		}
		return got != ""
	}
	b.until(time.Minute, "the pings are delivered", found)
	if want := "web%20front net -"; got != want {
		t.Errorf("the record has the tags %q, want %q", got, want)
	}
	b.terminate(cmd)
}
