package flowlog

import (
	"fmt"
	"strings"
)

// BucketFolder returns the bucket and the folder that an S3 destination names:
// arn:aws:s3:::bucket, arn:aws:s3:::bucket/folder/. The folder has no slash at
// either end. Every partition's name ("aws", "aws-cn") will do.
func BucketFolder(arn string) (bucket, folder string, err error) {
	parts := strings.SplitN(arn, ":", 6)
	if len(parts) != 6 || parts[0] != "arn" || parts[2] != "s3" || parts[5] == "" {
		return "", "", fmt.Errorf("%q is not the ARN of a bucket, arn:aws:s3:::NAME/FOLDER", arn)
	}
	bucket, folder, _ = strings.Cut(parts[5], "/")
	if bucket == "" {
		return "", "", fmt.Errorf("%q names no bucket", arn)
	}
	return bucket, strings.Trim(folder, "/"), nil
}

// BucketARN is the opposite of [BucketFolder].
func BucketARN(bucket, folder string) string {
	arn := "arn:aws:s3:::" + bucket
	if folder != "" {
		arn += "/" + folder + "/"
	}
	return arn
}

// ParseDestination reads where a user wants records: s3://bucket/folder,
// logs://group, firehose://stream, or an ARN.
func ParseDestination(s string) (t DestinationType, arn, group string, err error) {
	scheme, rest, ok := strings.Cut(s, "://")
	switch {
	case ok && rest == "":
		return "", "", "", fmt.Errorf("destination %q: names nothing after ://", s)
	case ok && scheme == "s3":
		bucket, folder, _ := strings.Cut(rest, "/")
		return S3, BucketARN(bucket, strings.Trim(folder, "/")), "", nil
	case ok && scheme == "logs":
		return CloudWatchLogs, "", rest, nil
	case strings.HasPrefix(s, "arn:"):
		switch strings.SplitN(s+":::", ":", 4)[2] {
		case "s3":
			return S3, s, "", nil
		case "logs":
			return CloudWatchLogs, s, "", nil
		case "firehose":
			return Firehose, s, "", nil
		}
	}
	return "", "", "", fmt.Errorf("destination %q: want s3://BUCKET/FOLDER, logs://GROUP or an ARN", s)
}
