package flowlog

import (
	"fmt"
	"regexp"
	"strings"
)

// bucketName is what buckets are called, anywhere and ever: those that Amazon made in
// us-east-1 until 2018 may have upper-case letters, underscores and up to 255
// characters, and other stores have shorter names than the three characters that
// Amazon wants ("Bucket naming rules", Amazon S3 User Guide, from memory).
var bucketName = regexp.MustCompile(`^[A-Za-z0-9]([A-Za-z0-9._-]*[A-Za-z0-9])?$`)

const maxBucketName = 255

// BucketFolder returns the bucket and the folder that an S3 destination names:
// arn:aws:s3:::bucket, arn:aws:s3:::bucket/folder/. The folder has no slash at
// either end. Every partition's name ("aws", "aws-cn") will do.
func BucketFolder(arn string) (bucket, folder string, err error) {
	parts := strings.SplitN(arn, ":", 6)
	if len(parts) != 6 || parts[0] != "arn" || parts[2] != "s3" || parts[3]+parts[4] != "" || parts[5] == "" {
		return "", "", fmt.Errorf("%q is not the ARN of a bucket, arn:aws:s3:::NAME/FOLDER", arn)
	}
	bucket, folder, _ = strings.Cut(parts[5], "/")
	if bucket == "" {
		return "", "", fmt.Errorf("%q names no bucket", arn)
	}
	if !bucketName.MatchString(bucket) || len(bucket) > maxBucketName || strings.Contains(bucket, "..") {
		return "", "", fmt.Errorf("%q is no bucket's name", bucket)
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
// logs://group, or an ARN. A stream has no other name than its ARN, which has the
// account and the region in it.
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

// streamName is what delivery streams are called ("CreateDeliveryStream", Amazon Data
// Firehose API Reference, read 2026-11-24).
var streamName = regexp.MustCompile(`^[A-Za-z0-9_.-]{1,64}$`)

// StreamName returns the name of the delivery stream that an ARN names:
// arn:aws:firehose:REGION:ACCOUNT:deliverystream/NAME.
func StreamName(arn string) (string, error) {
	parts := strings.SplitN(arn, ":", 6)
	if len(parts) != 6 || parts[0] != "arn" || parts[2] != "firehose" {
		return "", fmt.Errorf("it is not the ARN of a delivery stream")
	}
	name, ok := strings.CutPrefix(parts[5], "deliverystream/")
	if !ok {
		return "", fmt.Errorf("it is not the ARN of a delivery stream")
	}
	if !streamName.MatchString(name) {
		return "", fmt.Errorf("%q is no delivery stream's name", name)
	}
	return name, nil
}
