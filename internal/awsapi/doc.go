// Package awsapi is the API of Amazon EC2 and of STS, as far as flow logs need it:
// one [net/http.Handler] for the Query protocol, which hands the requests of S3 on, and
// those of CloudWatch Logs once it has checked who sent them. What a call does to flow
// logs is in internal/flowlog, what the network is in internal/vpc; this package decides who may ask, what is answered, and in which
// words. Its facts are those of the "Amazon EC2 API Reference" and the "AWS Security
// Token Service API Reference", and of recorded answers; where these are silent or
// only half remembered see the decision "Amazon's API" in docs/decisions.
package awsapi
