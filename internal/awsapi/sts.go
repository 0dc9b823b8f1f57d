package awsapi

import (
	"encoding/xml"
	"net/http"
	"net/url"
	"strings"

	"weir/internal/ec2"
)

// stsVersion is that of STS's API; its answers' namespace ends with it.
const (
	stsVersion   = "2011-06-15"
	stsNamespace = "https://sts.amazonaws.com/doc/2011-06-15/"
)

type callerIdentity struct {
	XMLName xml.Name `xml:"https://sts.amazonaws.com/doc/2011-06-15/ GetCallerIdentityResponse"`
	Result  struct {
		ARN     string `xml:"Arn"`
		UserID  string `xml:"UserId"`
		Account string
	} `xml:"GetCallerIdentityResult"`
	RequestID string `xml:"ResponseMetadata>RequestId"`
}

// sts answers a request of STS's.
func (a *API) sts(q *request, params url.Values) reply {
	version := params.Get("Version")
	if q.action != "GetCallerIdentity" || version != "" && version != stsVersion {
		return a.failed(q, ec2.STSInvalidAction.With(q.action, version))
	}
	var answer callerIdentity
	answer.Result.ARN, answer.Result.Account, answer.Result.UserID = a.cfg.Caller, a.cfg.Account, a.userID(q)
	answer.RequestID = q.id
	body, err := xml.Marshal(&answer)
	if err != nil {
		return a.failed(q, err)
	}
	return reply{Status: http.StatusOK, Body: body}
}

// userID is what is unique of the caller: of the root user the account, of others
// Amazon has an id that nothing here has, so the access key's stands for it.
func (a *API) userID(q *request) string {
	if strings.HasSuffix(a.cfg.Caller, ":root") {
		return a.cfg.Account
	}
	return q.sig.KeyID
}

// stsRefusal is an error in STS's form. Some codes are not STS's own.
func stsRefusal(q *request, e *ec2.Error) reply {
	type failure struct{ Type, Code, Message string }
	answer := struct {
		XMLName   xml.Name `xml:"https://sts.amazonaws.com/doc/2011-06-15/ ErrorResponse"`
		Error     failure
		RequestID string `xml:"RequestId"`
	}{RequestID: q.id}
	switch e.Code {
	case ec2.RequestLimitExceeded.Code:
		e = ec2.STSThrottling.With()
	case ec2.InternalError.Code:
		e = ec2.STSInternalFailure.With()
	case ec2.MissingAction.Code:
		e = ec2.STSMissingAction.With()
	}
	status := ec2.StatusOf(e.Code)
	answer.Error = failure{"Sender", e.Code, e.Message}
	if status >= http.StatusInternalServerError {
		answer.Error.Type = "Receiver"
	}
	body, err := xml.Marshal(&answer)
	if err != nil {
		panic("BUG: " + err.Error()) // strings only
	}
	return reply{Status: status, Body: body}
}
