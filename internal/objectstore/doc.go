// Package objectstore is an S3 server inside this process: buckets and objects
// are directories and files below one data directory. It is for those who have
// no S3 of their own. Requests are signed (Signature Version 4) and checked;
// aws-cli, boto3 and the SDKs use it like any other S3 with an endpoint.
//
// It knows nothing of flow logs. The server itself is versitygw
// (github.com/versity/versitygw, version 1.8.0; what is said here of it was read
// in its source on 2026-11-24); what this package adds is a life cycle, a lock,
// durability ([Server.Sync]), silence, and an [http.Handler].
//
// # What it asks of the process
//
// versitygw keeps settings in package variables and addresses files relative to
// the working directory. So there is one Server in a process at a time, [Open]
// changes the working directory to the data directory, and [Server.Close]
// changes it back. In between, nobody may change it, and every other path in the
// process has to be absolute. A request that finds the working directory
// elsewhere is refused, so that no other directory is ever served.
//
// # Layout
//
//	<Dir>/lock                        held while a process uses Dir
//	<Dir>/objects/<bucket>/<key>      the object's bytes, as they are
//	<Dir>/meta/<bucket>/<key>/meta/   its metadata, only where the file system
//	                                  has no extended attributes for it
//
// Because keys are paths, a bucket cannot hold both "a" and "a/b", and no part
// of a key between two slashes is longer than 255 bytes.
package objectstore
