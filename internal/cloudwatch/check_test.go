package cloudwatch

import (
	"errors"
	"strings"
	"testing"
)

// TestDecodeRefuses has what is wrong with bodies, and the words for it.
func TestDecodeRefuses(t *testing.T) {
	const one = "InvalidParameterException: 1 validation error detected: "
	long := strings.Repeat("a", 513)
	for _, tt := range []struct {
		name string
		in   any
		body string
		want string
	}{
		{"a required member is missing", &GroupName{}, `{}`, one + "Value null at 'logGroupName' failed to satisfy constraint: Member must not be null"},
		{"no body is one without members", &GroupName{}, ``, one + "Value null at 'logGroupName' failed to satisfy constraint: Member must not be null"},
		{"null is none", &GroupName{}, `{"logGroupName":null}`, one + "Value null at 'logGroupName' failed to satisfy constraint: Member must not be null"},
		{"an empty name", &GroupName{}, `{"logGroupName":""}`, one + "Value '' at 'logGroupName' failed to satisfy constraint: Member must have length greater than or equal to 1"},
		{"an empty name that is not required", &DescribeLogStreams{}, `{"logGroupName":"g","logStreamNamePrefix":""}`, one + "Value '' at 'logStreamNamePrefix' failed to satisfy constraint: Member must have length greater than or equal to 1"},
		{"a name of characters that none has", &GroupName{}, `{"logGroupName":"a b"}`, one + `Value 'a b' at 'logGroupName' failed to satisfy constraint: Member must satisfy regular expression pattern: [\.\-_/#A-Za-z0-9]+`},
		{"a new line behind a name", &GroupName{}, `{"logGroupName":"a\n"}`, one + "Value 'a\n' at 'logGroupName' failed to satisfy constraint: Member must satisfy regular expression pattern: [\\.\\-_/#A-Za-z0-9]+"},
		{"a name that is too long", &GroupName{}, `{"logGroupName":"` + long + `"}`, one + "Value '" + long[:512] + "…' at 'logGroupName' failed to satisfy constraint: Member must have length less than or equal to 512"},
		{"a colon in a stream's name", &CreateLogStream{}, `{"logGroupName":"g","logStreamName":"a:b"}`, one + `Value 'a:b' at 'logStreamName' failed to satisfy constraint: Member must satisfy regular expression pattern: [^:*]*`},
		{"a value that is none of those there are", &DescribeLogStreams{}, `{"logGroupName":"g","orderBy":"x"}`, one + `Value 'x' at 'orderBy' failed to satisfy constraint: Member must satisfy enum value set: [LogStreamName, LastEventTime]`},
		{"a number that is too small", &DescribeLogStreams{}, `{"logGroupName":"g","limit":0}`, one + `Value '0' at 'limit' failed to satisfy constraint: Member must have value greater than or equal to 1`},
		{"a number that is too large", &DescribeLogStreams{}, `{"logGroupName":"g","limit":51}`, one + `Value '51' at 'limit' failed to satisfy constraint: Member must have value less than or equal to 50`},
		{"a time before 1970", &GetLogEvents{}, `{"logStreamName":"s","startTime":-1}`, one + `Value '-1' at 'startTime' failed to satisfy constraint: Member must have value greater than or equal to 0`},
		{"an empty list", &PutLogEvents{}, `{"logGroupName":"g","logStreamName":"s","logEvents":[]}`, one + `Value '[0 members]' at 'logEvents' failed to satisfy constraint: Member must have length greater than or equal to 1`},
		{"a list that is too long", &FilterLogEvents{}, `{"logStreamNames":[` + strings.TrimSuffix(strings.Repeat(`"s",`, 101), ",") + `]}`, one + `Value '[101 members]' at 'logStreamNames' failed to satisfy constraint: Member must have length less than or equal to 100`},
		{"an event without a message", &PutLogEvents{}, `{"logGroupName":"g","logStreamName":"s","logEvents":[{"timestamp":1,"message":"a"},{"timestamp":1}]}`, one + `Value '' at 'logEvents.2.member.message' failed to satisfy constraint: Member must have length greater than or equal to 1`},
		{"an event before 1970", &PutLogEvents{}, `{"logGroupName":"g","logStreamName":"s","logEvents":[{"timestamp":-1,"message":"a"}]}`, one + `Value '-1' at 'logEvents.1.member.timestamp' failed to satisfy constraint: Member must have value greater than or equal to 0`},
		{"a member of a member", &PutMetricFilter{}, `{"logGroupName":"g","filterName":"f","filterPattern":"","metricTransformations":[{"metricName":"m","metricNamespace":"a:b","metricValue":"1"}]}`, one + `Value 'a:b' at 'metricTransformations.1.member.metricNamespace' failed to satisfy constraint: Member must satisfy regular expression pattern: [^:*$]*`},
		{"a required pattern may be empty, and not missing", &PutMetricFilter{}, `{"logGroupName":"g","filterName":"f","metricTransformations":[{"metricName":"m","metricNamespace":"n","metricValue":"1"}]}`, one + `Value null at 'filterPattern' failed to satisfy constraint: Member must not be null`},
		{"a key of a map", &TagLogGroup{}, `{"logGroupName":"g","tags":{"a!":"b"}}`, one + `Value 'a!' at 'tags.key' failed to satisfy constraint: Member must satisfy regular expression pattern: ([\p{L}\p{Z}\p{N}_.:/=+\-@]+)`},
		{"two at once", &CreateLogStream{}, `{}`, "InvalidParameterException: 2 validation errors detected: Value null at 'logGroupName' failed to satisfy constraint: Member must not be null; Value null at 'logStreamName' failed to satisfy constraint: Member must not be null"},

		{"a number for a text", &GroupName{}, `{"logGroupName":1}`, "SerializationException: NUMBER_VALUE cannot be converted to String"},
		{"a text for a number", &GetLogEvents{}, `{"startTime":"1"}`, "SerializationException: STRING_VALUE cannot be converted to Long"},
		{"a fraction for a number", &GetLogEvents{}, `{"limit":1.5}`, "SerializationException: NUMBER_VALUE cannot be converted to Integer"},
		{"a truth value for a text", &GroupName{}, `{"logGroupName":true}`, "SerializationException: TRUE_VALUE or FALSE_VALUE cannot be converted to String"},
		{"a list for a text", &GroupName{}, `{"logGroupName":[]}`, "SerializationException: Start of list found where not expected"},
		{"a structure for a text", &GroupName{}, `{"logGroupName":{}}`, "SerializationException: Start of structure or map found where not expected."},
		{"a text for a list", &FilterLogEvents{}, `{"logStreamNames":"s"}`, "SerializationException: Unexpected field type"},
		{"a list for all", &GroupName{}, `[]`, "SerializationException: Start of list found where not expected"},
		{"no JSON", &GroupName{}, `{"logGroupName`, "SerializationException"},
		{"more behind it", &GroupName{}, `{"logGroupName":"g"}{}`, "SerializationException"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			err := Decode([]byte(tt.body), tt.in)
			var e *Error
			if !errors.As(err, &e) || e.Error() != tt.want {
				t.Errorf("got  %v\nwant %s", err, tt.want)
			}
		})
	}
}

func TestDecodeTakes(t *testing.T) {
	for _, tt := range []struct {
		name string
		in   any
		body string
	}{
		{"the longest name", &GroupName{}, `{"logGroupName":"` + strings.Repeat("a", 512) + `"}`},
		{"lengths in characters", &CreateLogStream{}, `{"logGroupName":"g","logStreamName":"` + strings.Repeat("ü", 512) + `"}`},
		{"members that nobody knows", &GroupName{}, `{"logGroupName":"g","x":{"y":[1]}}`},
		{"an empty pattern", &PutMetricFilter{}, `{"logGroupName":"g","filterName":"f","filterPattern":"","metricTransformations":[{"metricName":"m","metricNamespace":"n","metricValue":"1","defaultValue":0.5,"dimensions":{"a":"$b"}}]}`},
		{"an empty value of a tag", &TagLogGroup{}, `{"logGroupName":"g","tags":{"ä b":""}}`},
		{"the first millisecond", &PutLogEvents{}, `{"logGroupName":"g","logStreamName":"s","logEvents":[{"timestamp":0,"message":"a"}]}`},
		{"the time 0", &GetLogEvents{}, `{"logGroupName":"g","logStreamName":"s","startTime":0,"endTime":0}`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if err := Decode([]byte(tt.body), tt.in); err != nil {
				t.Error(err)
			}
		})
	}
}
