package ec2

import (
	"errors"
	"fmt"
	"net/http"
)

// A Kind is one of the errors that calls are answered with.
type Kind struct {
	Code   string
	Status int    // of HTTP
	Text   string // a format of package fmt
}

// With returns the error, with what its text leaves open.
func (k *Kind) With(args ...any) *Error {
	return &Error{Code: k.Code, Message: fmt.Sprintf(k.Text, args...)}
}

// Is reports whether an error is, or wraps, an [*Error] with the kind's code.
func (k *Kind) Is(err error) bool {
	var e *Error
	return errors.As(err, &e) && e.Code == k.Code
}

// Errors of a request as such. Codes are those of "Error codes for the Amazon EC2
// API". Texts and statuses are recorded ones where there are any; the decision
// "Amazon's API" says which are guesses.
var (
	InvalidAction         = kind("InvalidAction", 400, "The action %s is not valid for this web service.")
	MissingAction         = kind("MissingAction", 400, "The request must contain the parameter Action")
	NoSuchVersion         = kind("NoSuchVersion", 400, "The requested version (%s) of service AmazonEC2 does not exist")
	MalformedQueryString  = kind("MalformedQueryString", 400, "The query string contains a syntax error.")
	RequestEntityTooLarge = kind("RequestEntityTooLarge", 413, "The request is longer than %d bytes")
	TooManyParameters     = kind("InvalidParameterCombination", 400, "The request has %d parameters; at most %d are allowed")
	ParameterGivenTwice   = kind("InvalidParameterCombination", 400, "The parameter %s is given %d times")
	WrongMethod           = kind("InvalidRequest", 405, "The HTTP method %s is not valid for this web service.")
	UnknownParameter      = kind("UnknownParameter", 400, "The parameter %s is not recognized")
	NoTime                = kind("InvalidParameterValue", 400, "Value (%s) for parameter %s is invalid. It must be a time such as 2026-11-24T08:00:00Z.")
	NoBoolean             = kind("InvalidParameterValue", 400, "Value (%s) for parameter %s is invalid. It must be true or false.")
	NoInteger             = kind("InvalidParameterValue", 400, "Value (%s) for parameter %s is invalid. It must be an integer.")

	RequestLimitExceeded = kind("RequestLimitExceeded", 503, "Request limit exceeded.")
	InternalError        = kind("InternalError", 500, "An internal error has occurred")
	Unavailable          = kind("Unavailable", 503, "The service is unavailable. Please try again shortly.")
	DryRunOperation      = kind("DryRunOperation", http.StatusPreconditionFailed, "Request would have succeeded, but DryRun flag is set.")
)

// Errors of signatures: package sigv4 has the texts of most, which the same codes
// here give their status.
var (
	WrongService          = kind("AuthFailure", 401, "Credential should be scoped to correct service: 'ec2'. ")
	_                     = kind("MissingAuthenticationToken", 403, "")
	_                     = kind("SignatureDoesNotMatch", 403, "")
	_                     = kind("InvalidClientTokenId", 403, "")
	_                     = kind("IncompleteSignature", 400, "")
	_                     = kind("RequestExpired", 400, "")
	UnauthorizedOperation = kind("UnauthorizedOperation", 403, "You are not authorized to perform this operation.")
)

// Errors that STS words, or calls, in its own way.
var (
	STSInvalidAction   = kind("InvalidAction", 400, "Could not find operation %s for version %s")
	STSMissingAction   = kind("MissingAction", 400, "Missing Action")
	STSThrottling      = kind("Throttling", 400, "Rate exceeded")
	STSInternalFailure = kind("InternalFailure", 500, "An internal error has occurred")
)

// Errors of parameters.
var (
	MissingParameter = kind("MissingParameter", 400, "The request must contain the parameter %s")
	NoEnumValue      = kind("InvalidParameterValue", 400, "Value (%s) for parameter %s is invalid.")
	TooManyValues    = kind("InvalidParameterValue", 400, "The parameter %s has %d values; at most %d are allowed")
	TooLong          = kind("InvalidParameterValue", 400, "Value (%s) for parameter %s is invalid. Its length must not exceed %d ASCII characters.")

	InvalidFilter         = kind("InvalidParameterValue", 400, "The filter '%s' is invalid")
	TooManyFilterValues   = kind("FilterLimitExceeded", 400, "The maximum number of filter values specified on a single call is %d")
	FilterValueTooLong    = kind("FilterLimitExceeded", 400, "The maximum length for a filter value is %d characters")
	MaxResultsTooSmall    = kind("InvalidParameterValue", 400, "Value ( %d ) for parameter maxResults is invalid. Expecting a value greater than %d.")
	MaxResultsTooLarge    = kind("InvalidParameterValue", 400, "Value ( %d ) for parameter maxResults is invalid. Expecting a value smaller than %d.")
	MaxResultsWithIDs     = kind("InvalidParameterCombination", 400, "The parameter %s cannot be used with the parameter maxResults")
	InvalidNextToken      = kind("InvalidNextToken", 400, "The token '%s' is invalid")
	IdempotencyMismatch   = kind("IdempotentParameterMismatch", 400, "The client token %s was used before, with other parameters")
	InvalidAttributeValue = kind("InvalidParameterValue", 400, "Value (%s) for parameter %s is invalid: %v")
)

// Errors of ids: the resource is not there, or its id has no id's form.
var (
	VPCNotFound                      = kind("InvalidVpcID.NotFound", 400, "The vpc ID '%s' does not exist")
	SubnetNotFound                   = kind("InvalidSubnetID.NotFound", 400, "The subnet ID '%s' does not exist")
	NetworkInterfaceNotFound         = kind("InvalidNetworkInterfaceID.NotFound", 400, "The networkInterface ID '%s' does not exist")
	SecurityGroupNotFound            = kind("InvalidGroup.NotFound", 400, "The security group '%s' does not exist")
	SecurityGroupNameNotFound        = kind("InvalidGroup.NotFound", 400, "The security group '%s' does not exist in default VPC '%s'")
	SecurityGroupRuleNotFound        = kind("InvalidSecurityGroupRuleId.NotFound", 400, "The security group rule ID '%s' does not exist")
	NetworkACLNotFound               = kind("InvalidNetworkAclID.NotFound", 400, "The network acl ID '%s' does not exist")
	InstanceNotFound                 = kind("InvalidInstanceID.NotFound", 400, "The instance ID '%s' does not exist")
	InstancesNotFound                = kind("InvalidInstanceID.NotFound", 400, "The instance IDs '%s' do not exist")
	TransitGatewayNotFound           = kind("InvalidTransitGatewayID.NotFound", 400, "Transit Gateway %s was deleted or does not exist.")
	TransitGatewayAttachmentNotFound = kind("InvalidTransitGatewayAttachmentID.NotFound", 400, "Transit Gateway Attachment %s was deleted or does not exist.")
	NATGatewayNotFound               = kind("NatGatewayNotFound", 400, "The Nat Gateway %s was not found")
	InvalidID                        = kind("InvalidID", 400, "The ID '%s' is not valid")

	NetworkInterfaceIDMalformed  = kind("InvalidNetworkInterfaceId.Malformed", 400, `Invalid id: "%s"`)
	NetworkInterfaceIDOfOthers   = kind("InvalidNetworkInterfaceId.Malformed", 400, `Invalid id: "%s" (expecting "eni-...")`)
	SecurityGroupIDMalformed     = kind("InvalidGroupId.Malformed", 400, `Invalid id: "%s"`)
	SecurityGroupIDOfOthers      = kind("InvalidGroupId.Malformed", 400, `Invalid id: "%s" (expecting "sg-...")`)
	SecurityGroupRuleIDMalformed = kind("InvalidSecurityGroupRuleId.Malformed", 400, `Invalid id: "%s"`)
	SecurityGroupRuleIDOfOthers  = kind("InvalidSecurityGroupRuleId.Malformed", 400, `Invalid id: "%s" (expecting "sgr-...")`)
	InstanceIDMalformed          = kind("InvalidInstanceID.Malformed", 400, `Invalid id: "%s"`)
	InstanceIDOfOthers           = kind("InvalidInstanceID.Malformed", 400, `Invalid id: "%s" (expecting "i-...")`)
)

// Errors of tags.
var (
	TagKeyMissing     = kind("InvalidParameterValue", 400, "Tag key cannot be null or empty")
	TagKeyTooLong     = kind("InvalidParameterValue", 400, "Tag key exceeds the maximum length of %d characters")
	TagValueTooLong   = kind("InvalidParameterValue", 400, "Tag value exceeds the maximum length of %d characters")
	TagReserved       = kind("InvalidParameterValue", 400, "Tag keys starting with 'aws:' are reserved for internal use")
	TagTwice          = kind("InvalidParameterValue", 400, "Duplicate tag key '%s' specified.")
	TagLimitExceeded  = kind("TagLimitExceeded", 400, "The maximum number of Tags for a resource has been reached.")
	TagTypeMissing    = kind("InvalidParameterValue", 400, "Tag specification resource type must have a value")
	TagTypeWrong      = kind("InvalidParameterValue", 400, "'%s' is not a valid taggable resource type for this operation.")
	TagTypeGivenTwice = kind("InvalidParameterValue", 400, "The same resource type may not be specified more than once in tag specifications")
)

// Errors of flow logs. Those with a guess for a text say so in docs/decisions.
var (
	FlowLogNotFound      = kind("InvalidFlowLogId.NotFound", 400, "These flow log ids in the input list are not found: [TotalCount: %d] %s")
	FlowLogIDMalformed   = kind("InvalidParameterValue", 400, "1 validation error detected: Value %s at 'flowLogId' has an invalid format")
	FlowLogAlreadyExists = kind("FlowLogAlreadyExists", 400, "Error. There is an existing Flow Log with the same configuration and log destination.")
	FlowLogsLimit        = kind("FlowLogsLimitExceeded", 400, "The maximum number of flow logs for %s (%d) has been reached.")

	ResourceOfAnotherType   = kind("InvalidParameter", 400, "Invalid Resource id %s for resource-type %s")
	WrongInterval           = kind("InvalidParameter", 400, "Invalid Flow Log Max Aggregation Interval")
	TransitGatewayInterval  = kind("InvalidParameter", 400, "max-aggregation-interval other than 60 sec / 1 min is not supported when the resource-type is TransitGateway or TransitGatewayAttachment")
	TransitGatewayTraffic   = kind("InvalidParameter", 400, "TrafficType is not applicable for resource-type %s")
	GroupAndDestination     = kind("InvalidParameter", 400, "Please only provide LogGroupName or only provide LogDestination.")
	NoDestination           = kind("InvalidParameter", 400, "LogDestination can't be empty if LogGroupName is not provided.")
	GroupForAnotherType     = kind("InvalidParameter", 400, "LogDestination type must be cloud-watch-logs if LogGroupName is provided.")
	NoRole                  = kind("InvalidParameter", 400, "DeliverLogsPermissionArn can't be empty if LogDestinationType is cloud-watch-logs.")
	RoleForS3               = kind("InvalidParameter", 400, "DeliverLogsPermissionArn is not applicable for s3 delivery")
	OneRoleOfTwo            = kind("InvalidParameter", 400, "When providing a role for cross-account delivery, both the DeliverLogsPermissionArn and DeliverCrossAccountRole fields must be set.")
	WrongDestination        = kind("InvalidParameterValue", 400, "Value (%s) for parameter logDestination is invalid: %v")
	WrongRole               = kind("InvalidParameterValue", 400, "Value (%s) for parameter %s is invalid: %v")
	WrongLogGroup           = kind("InvalidParameterValue", 400, "Value (%s) for parameter logGroupName is invalid: %v")
	ReservedFolder          = kind("InvalidParameterValue", 400, "Value (%s) for parameter logDestination is invalid: AWSLogs is a reserved folder name")
	WrongFormat             = kind("InvalidParameterValue", 400, "1 validation error detected: Value '%s' at 'logFormat' has an invalid format")
	FieldOfAnotherType      = kind("InvalidParameterValue", 400, "Field %s is not supported for resource-type %s")
	TooManyTagFields        = kind("InvalidParameterValue", 400, "TagFieldSpecifications: %d given, at most %d are allowed")
	TagFieldTypeTwice       = kind("InvalidParameterValue", 400, "TagFieldSpecifications: resource type %s is given twice")
	WrongTagFieldKeys       = kind("InvalidParameterValue", 400, "TagFieldSpecifications: %d tag keys for %s, want 1 or 2")
	TagFieldWithoutKey      = kind("InvalidParameter", 400, "Field %s needs a tag key for %s in TagFieldSpecifications")
	IntegrationOfOthers     = kind("InvalidParameter", 400, "The flow log %s is not delivered to S3")
	IntegrationDates        = kind("InvalidParameterValue", 400, "PartitionStartDate and PartitionEndDate are required, and must be in the past, if PartitionLoadFrequency is none")
	IntegrationDatesSwapped = kind("InvalidParameterValue", 400, "PartitionStartDate must be before PartitionEndDate")
)

// Errors of a destination, for one of several resources: the code is as recorded.
var (
	DestinationNotFound      = kind("400", 400, "LogDestination: %s does not exist")
	DestinationDenied        = kind("400", 400, "Access Denied for LogDestination: %s. Please check LogDestination permission")
	DestinationUnreachable   = kind("400", 400, "LogDestination: %s could not be reached: %v")
	DestinationUndeliverable = kind("400", 400, "LogDestination %s is undeliverable")
)

// statuses are the HTTP statuses of codes that are not 400.
var statuses = map[string]int{}

func kind(code string, status int, text string) *Kind {
	if status != http.StatusBadRequest {
		statuses[code] = status
	}
	return &Kind{code, status, text}
}

// StatusOf returns the HTTP status of an error code.
func StatusOf(code string) int {
	if s, ok := statuses[code]; ok {
		return s
	}
	return http.StatusBadRequest
}
