// Package sigv4 checks signatures of AWS Signature Version 4 on the side of a
// server: in the Authorization header, and in the query of a presigned URL. It does
// not know which keys there are, what a service's calls are, or HTTP statuses.
//
// [Parse] says whose signature a request claims to have; the caller looks up that
// key, and [Request.Verify] says whether it holds. What is signed for which Region
// and service is for the caller to compare, too.
//
// # What is accepted
//
// The rules are those of "Create a signed AWS API request" and "Elements of an AWS
// API request signature", IAM User Guide (read 2026-11-24). Where they leave a
// choice:
//
//   - A path is signed as it was sent, each part encoded once more, and without
//     empty and dot segments (botocore) or with them (the SDK for Go). The service
//     s3 signs it as it was sent.
//   - A plus sign in a query is a space, as in net/url.
//   - The body is hashed here. X-Amz-Content-Sha256 need not be sent, and EC2's
//     clients seldom do; if it is, it has to be that hash. UNSIGNED-PAYLOAD is for
//     presigned requests only, and STREAMING-… is refused.
//   - The time is X-Amz-Date's or else the Date header's; which one it is has to
//     be signed, and so has Host.
//   - A presigned request without X-Amz-Expires is good for 15 minutes, like one
//     with an Authorization header.
//
// Other headers need not be signed: the SDK for JavaScript, version 2, leaves
// Content-Type out. A signed Transfer-Encoding is refused, because net/http takes
// that header away.
package sigv4
