package ec2client

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"weir/internal/ec2"
)

// blank makes the environment that of somebody who has configured nothing.
func blank(t *testing.T) {
	t.Helper()
	for _, v := range os.Environ() {
		if name, _, _ := strings.Cut(v, "="); strings.HasPrefix(name, "AWS_") {
			t.Setenv(name, "")
			os.Unsetenv(name)
		}
	}
	none := filepath.Join(t.TempDir(), "none")
	t.Setenv("AWS_CONFIG_FILE", none)
	t.Setenv("AWS_SHARED_CREDENTIALS_FILE", none)
}

// serve answers requests with what script has, one after the other, and returns a
// client of it and the parameters that came.
func serve(t *testing.T, script ...string) (*Client, *[]url.Values) {
	t.Helper()
	blank(t)
	var got []url.Values
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		params, err := url.ParseQuery(string(body))
		if err != nil {
			t.Error(err)
		}
		if auth := r.Header.Get("Authorization"); !strings.Contains(auth, "/eu-west-1/ec2/aws4_request") &&
			!strings.Contains(auth, "/eu-west-1/sts/aws4_request") {
			t.Errorf("Authorization is %q", auth)
		}
		got = append(got, params)
		if len(got) > len(script) {
			t.Errorf("request %d is one too many: %v", len(got), params)
			return
		}
		status, answer := http.StatusOK, script[len(got)-1]
		if n, rest, ok := strings.Cut(answer, " "); ok && len(n) == 3 {
			fmt.Sscan(n, &status)
			answer = rest
		}
		w.WriteHeader(status)
		io.WriteString(w, answer)
	}))
	t.Cleanup(server.Close)
	t.Setenv("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE")
	t.Setenv("AWS_SECRET_ACCESS_KEY", "secret")
	c, err := New(t.Context(), Options{Endpoint: server.URL, Region: "eu-west-1"})
	if err != nil {
		t.Fatal(err)
	}
	return c, &got
}

func failure(code, message string) string {
	return string(ec2.AppendError(nil, &ec2.Error{Code: code, Message: message}, "r-1"))
}

const empty = `<DescribeFlowLogsResponse xmlns="http://ec2.amazonaws.com/doc/2016-11-15/"><requestId>r</requestId><flowLogSet/></DescribeFlowLogsResponse>`

func TestThrottlingAndServerErrorsAreTriedAgain(t *testing.T) {
	c, got := serve(t,
		"503 "+failure("RequestLimitExceeded", "Request limit exceeded."),
		"502 <html>bad gateway</html>",
		`<CreateFlowLogsResponse><flowLogIdSet><item>fl-1</item></flowLogIdSet></CreateFlowLogsResponse>`)
	a, err := c.CreateFlowLogs(t.Context(), ec2.CreateFlowLogs{ResourceIDs: []string{"vpc-1"}})
	if err != nil || len(a.FlowLogIDs) != 1 || a.FlowLogIDs[0] != "fl-1" {
		t.Fatalf("created %+v, %v", a, err)
	}
	token := (*got)[0].Get("ClientToken")
	if token == "" || len(token) > 64 {
		t.Errorf("the client token is %q", token)
	}
	for i, p := range *got {
		if p.Get("ClientToken") != token {
			t.Errorf("attempt %d has the token %q, the first %q", i+1, p.Get("ClientToken"), token)
		}
	}
}

func TestRetriesEnd(t *testing.T) {
	busy := "503 " + failure("Unavailable", "The service is unavailable.")
	c, got := serve(t, busy, busy, busy)
	_, err := c.FlowLogs(t.Context(), nil)
	var e *ec2.Error
	if !errors.As(err, &e) || e.Code != "Unavailable" || len(*got) != 3 {
		t.Errorf("after %d attempts: %v", len(*got), err)
	}
}

func TestWhatIsWrongIsNotTriedAgain(t *testing.T) {
	for _, tt := range []struct{ name, answer, code, hint string }{
		{"a parameter", "400 " + failure("InvalidParameter", "no"), "InvalidParameter", ""},
		{"a permission", "403 " + failure("UnauthorizedOperation", "You are not authorized to perform this operation."),
			"UnauthorizedOperation", "ec2:DescribeFlowLogs"},
		{"keys", "401 " + failure("AuthFailure", "AWS was not able to validate the provided access credentials"), "AuthFailure", "secret is wrong"},
		{"another server", "404 <html>not found</html>", "Not Found", "is http://127"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c, _ := serve(t, tt.answer)
			_, err := c.FlowLogs(t.Context(), nil)
			var e *ec2.Error
			if !errors.As(err, &e) || e.Code != tt.code {
				t.Fatalf("the error is %v, want %s", err, tt.code)
			}
			if h := hintOf(err); !strings.Contains(h, tt.hint) || (h == "") != (tt.hint == "") {
				t.Errorf("the hint is %q, want %q", h, tt.hint)
			}
		})
	}
}

func hintOf(err error) string {
	var h interface{ Hint() string }
	if errors.As(err, &h) {
		return h.Hint()
	}
	return ""
}

func TestAnswersThatAreNone(t *testing.T) {
	for _, answer := range []string{"", "<html>", "<DescribeVpcsResponse></DescribeVpcsResponse>", empty[:len(empty)-5], "{}"} {
		c, _ := serve(t, answer)
		_, err := c.FlowLogs(t.Context(), nil)
		if err == nil || !strings.HasPrefix(err.Error(), "DescribeFlowLogs: read the answer ") || !strings.Contains(hintOf(err), "EC2's API") {
			t.Errorf("%q: the error is %v, hint %q", answer, err, hintOf(err))
		}
	}
}

func TestPages(t *testing.T) {
	page := func(id, next string) string {
		return "<DescribeFlowLogsResponse><flowLogSet><item><flowLogId>" + id + "</flowLogId></item></flowLogSet><nextToken>" + next + "</nextToken></DescribeFlowLogsResponse>"
	}
	c, got := serve(t, page("fl-1", "a"), empty[:len(empty)-len("</DescribeFlowLogsResponse>")]+"<nextToken>b</nextToken></DescribeFlowLogsResponse>", page("fl-2", ""))
	logs, err := c.FlowLogs(t.Context(), nil, ec2.Filter{Name: "resource-id", Values: []string{"vpc-1"}})
	if err != nil || len(logs) != 2 || logs[1].FlowLogID != "fl-2" {
		t.Errorf("there are %+v, %v", logs, err)
	}
	if p := (*got)[2]; p.Get("NextToken") != "b" || p.Get("MaxResults") != "1000" || p.Get("Filter.1.Value.1") != "vpc-1" {
		t.Errorf("the third request is %v", p)
	}
	c, _ = serve(t, page("fl-1", "a"), page("fl-1", "a"))
	if _, err = c.FlowLogs(t.Context(), nil); err == nil {
		t.Error("a page that names itself as the next is read for ever")
	}
	c, got = serve(t, empty, empty)
	if _, err = c.FlowLogs(t.Context(), make([]string, 1001)); err != nil || (*got)[0].Has("MaxResults") {
		t.Errorf("1001 ids: %v, %v", *got, err)
	}
}

func TestInstances(t *testing.T) {
	page := func(next string, reservations ...string) string {
		out := "<DescribeInstancesResponse><reservationSet>"
		for _, ids := range reservations {
			out += "<item><instancesSet>"
			for id := range strings.FieldsSeq(ids) {
				out += "<item><instanceId>" + id + "</instanceId></item>"
			}
			out += "</instancesSet></item>"
		}
		return out + "</reservationSet><nextToken>" + next + "</nextToken></DescribeInstancesResponse>"
	}
	c, _ := serve(t, page("a", "i-1 i-2", "i-3"), page("", "i-4"))
	found, err := c.Instances(t.Context(), nil)
	var ids []string
	for _, i := range found {
		ids = append(ids, i.ID)
	}
	if got := strings.Join(ids, " "); got != "i-1 i-2 i-3 i-4" || err != nil {
		t.Errorf("there are %s, %v", got, err)
	}
}

func TestAccount(t *testing.T) {
	c, _ := serve(t, `<GetCallerIdentityResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><GetCallerIdentityResult><Account>123456789012</Account></GetCallerIdentityResult></GetCallerIdentityResponse>`)
	if a, err := c.Account(t.Context()); err != nil || a != "123456789012" {
		t.Errorf("the account is %q, %v", a, err)
	}
}

func TestNobodyThere(t *testing.T) {
	c, _ := serve(t)
	server := httptest.NewServer(nil)
	server.Close()
	t.Setenv("AWS_MAX_ATTEMPTS", "1")
	c, err := New(t.Context(), Options{Endpoint: server.URL, Region: c.Region()})
	if err != nil {
		t.Fatal(err)
	}
	if _, err = c.FlowLogs(t.Context(), nil); !strings.Contains(hintOf(err), "nothing listens at "+server.URL) {
		t.Errorf("the hint is %q, of %v", hintOf(err), err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err = c.FlowLogs(ctx, nil); !errors.Is(err, context.Canceled) {
		t.Errorf("after the end: %v", err)
	}
}

func TestEndpoints(t *testing.T) {
	for _, tt := range []struct {
		name    string
		options Options
		env     map[string]string
		file    string
		want    string
	}{
		{"Amazon's", Options{Region: "eu-west-1"}, nil, "", "https://ec2.eu-west-1.amazonaws.com/"},
		{"the region of the environment", Options{}, map[string]string{"AWS_DEFAULT_REGION": "us-east-2"}, "", "https://ec2.us-east-2.amazonaws.com/"},
		{"China's", Options{Region: "cn-north-1"}, nil, "", "https://ec2.cn-north-1.amazonaws.com.cn/"},
		{"the government's", Options{Region: "us-gov-west-1"}, nil, "", "https://ec2.us-gov-west-1.amazonaws.com/"},
		{"FIPS", Options{Region: "us-east-1"}, map[string]string{"AWS_USE_FIPS_ENDPOINT": "true"}, "", "https://ec2-fips.us-east-1.amazonaws.com/"},
		{"both IP versions", Options{Region: "us-east-1"}, map[string]string{"AWS_USE_DUALSTACK_ENDPOINT": "true"}, "", "https://ec2.us-east-1.api.aws/"},
		{"the environment's", Options{Region: "r"}, map[string]string{"AWS_ENDPOINT_URL": "http://127.0.0.1:1"}, "", "http://127.0.0.1:1/"},
		{"the environment's for EC2 is before all's", Options{Region: "r"},
			map[string]string{"AWS_ENDPOINT_URL": "http://127.0.0.1:1", "AWS_ENDPOINT_URL_EC2": "http://127.0.0.1:2"}, "", "http://127.0.0.1:2/"},
		{"the flag is before the environment", Options{Region: "r", Endpoint: "http://127.0.0.1:3/x"},
			map[string]string{"AWS_ENDPOINT_URL_EC2": "http://127.0.0.1:2"}, "", "http://127.0.0.1:3/x"},
		{"a profile's services", Options{Profile: "lab"}, nil,
			"[profile lab]\nregion = local-1\nservices = s\n[services s]\nec2 =\n  endpoint_url = http://127.0.0.1:4\n", "http://127.0.0.1:4/"},
		{"a profile's", Options{Profile: "lab"}, nil, "[profile lab]\nregion = local-1\nendpoint_url = http://127.0.0.1:5\n", "http://127.0.0.1:5/"},
		{"configured ones are to be ignored", Options{Region: "r"},
			map[string]string{"AWS_ENDPOINT_URL_EC2": "http://127.0.0.1:2", "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS": "true"}, "", "https://ec2.r.amazonaws.com/"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			blank(t)
			for k, v := range tt.env {
				t.Setenv(k, v)
			}
			if tt.file != "" {
				file := filepath.Join(t.TempDir(), "config")
				if err := os.WriteFile(file, []byte(tt.file), 0o600); err != nil {
					t.Fatal(err)
				}
				t.Setenv("AWS_CONFIG_FILE", file)
			}
			c, err := New(t.Context(), tt.options)
			if err != nil || c.Endpoint() != tt.want || c.Amazon() != strings.HasPrefix(tt.want, "https://ec2") {
				t.Errorf("the endpoint is %v, %v, want %s", c, err, tt.want)
			}
		})
	}
}

func TestConfigurationThatIsWrong(t *testing.T) {
	for _, tt := range []struct {
		name    string
		options Options
		want    string
	}{
		{"no region", Options{}, "no region"},
		{"no URL", Options{Region: "r", Endpoint: "localhost:7979"}, `endpoint "localhost:7979" is not a URL`},
		{"no such profile", Options{Region: "r", Profile: "nobody"}, "nobody"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			blank(t)
			if _, err := New(t.Context(), tt.options); err == nil || !strings.Contains(err.Error(), tt.want) || hintOf(err) == "" {
				t.Errorf("the error is %v, hint %q", err, hintOf(err))
			}
		})
	}
}

// TestMetadataIsNotAsked has no credentials anywhere but in the metadata service.
func TestMetadataIsNotAsked(t *testing.T) {
	for _, tt := range []struct {
		name, variable, file string
		want                 bool
	}{
		{"by default", "", "", false},
		{"when it is disabled", "true", "", false},
		{"when it is not disabled", "false", "", true},
		{"when the profile names it", "", "[default]\nrole_arn = arn:aws:iam::123456789012:role/r\ncredential_source = Ec2InstanceMetadata\n", true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c, _ := serve(t)
			os.Unsetenv("AWS_ACCESS_KEY_ID")
			os.Unsetenv("AWS_SECRET_ACCESS_KEY")
			asked := false
			metadata := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				asked = true
				w.WriteHeader(http.StatusNotFound)
			}))
			defer metadata.Close()
			t.Setenv("AWS_EC2_METADATA_SERVICE_ENDPOINT", metadata.URL)
			t.Setenv("AWS_MAX_ATTEMPTS", "1")
			if tt.variable != "" {
				t.Setenv("AWS_EC2_METADATA_DISABLED", tt.variable)
			}
			if tt.file != "" {
				file := filepath.Join(t.TempDir(), "config")
				if err := os.WriteFile(file, []byte(tt.file), 0o600); err != nil {
					t.Fatal(err)
				}
				t.Setenv("AWS_CONFIG_FILE", file)
			}
			c, err := New(t.Context(), Options{Endpoint: c.Endpoint(), Region: "eu-west-1"})
			if err != nil {
				t.Fatal(err)
			}
			_, err = c.FlowLogs(t.Context(), nil)
			if err == nil || asked != tt.want {
				t.Errorf("the metadata service was asked: %v, want %v; %v", asked, tt.want, err)
			}
			if !tt.want && (!strings.Contains(err.Error(), "no credentials") || !strings.Contains(hintOf(err), "AWS_ACCESS_KEY_ID")) {
				t.Errorf("the error is %v, hint %q", err, hintOf(err))
			}
		})
	}
}

func TestPrefixLists(t *testing.T) {
	c, got := serve(t,
		`<DescribeManagedPrefixListsResponse><prefixListSet><item><prefixListId>pl-1</prefixListId><prefixListName>office</prefixListName></item></prefixListSet><nextToken>more</nextToken></DescribeManagedPrefixListsResponse>`,
		`<DescribeManagedPrefixListsResponse><prefixListSet><item><prefixListId>pl-2</prefixListId></item></prefixListSet></DescribeManagedPrefixListsResponse>`,
		`<GetManagedPrefixListEntriesResponse><entrySet><item><cidr>192.0.2.0/24</cidr><description>a</description></item></entrySet></GetManagedPrefixListEntriesResponse>`,
		`<DescribeSecurityGroupRulesResponse><securityGroupRuleSet><item><securityGroupRuleId>sgr-1</securityGroupRuleId><fromPort>-1</fromPort></item></securityGroupRuleSet></DescribeSecurityGroupRulesResponse>`)
	lists, err := c.PrefixLists(t.Context())
	if err != nil || len(lists) != 2 || lists[0].Name != "office" || lists[1].ID != "pl-2" {
		t.Fatalf("lists %+v, %v", lists, err)
	}
	entries, err := c.PrefixListEntries(t.Context(), "pl-1")
	if err != nil || len(entries) != 1 || entries[0].CIDR != "192.0.2.0/24" {
		t.Fatalf("entries %+v, %v", entries, err)
	}
	rules, err := c.SecurityGroupRules(t.Context(), nil)
	if err != nil || len(rules) != 1 || *rules[0].FromPort != -1 || rules[0].ToPort != nil {
		t.Fatalf("rules %+v, %v", rules, err)
	}
	for i, want := range []url.Values{
		{"MaxResults": {"100"}}, {"MaxResults": {"100"}, "NextToken": {"more"}}, {"MaxResults": {"100"}, "PrefixListId": {"pl-1"}}, {"MaxResults": {"1000"}},
	} {
		for name, value := range want {
			if got := (*got)[i][name]; len(got) != 1 || got[0] != value[0] {
				t.Errorf("call %d has %s %q, want %q", i, name, got, value)
			}
		}
	}
}
