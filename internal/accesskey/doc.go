// Package accesskey is the file of access keys of a data directory: who may use the
// embedded S3 and the API. It does not check signatures, and says nothing of what a
// key may do: each may do everything.
//
// The file is a JSON list of keys and has the name [FileName]. Its first key is the
// root key, which weir itself uses; it is made at the first start and stays. Others
// are added with "weir keys create" or by hand, and a service that runs takes them
// into use within a second or two. Only the file's owner may read it.
package accesskey
