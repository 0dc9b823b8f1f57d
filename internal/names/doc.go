// Package names calls addresses, interfaces and instances by name: by the name that
// they had at the time of a record, for addresses change hands. Names come from what
// the AWS CLI's describe commands print, saved in files or asked of the API; from a
// list of the user's own; from Amazon's ip-ranges.json; and from records that have
// tags in them. Never from DNS: a reverse name tells what an address is called now,
// and asking for it tells others what is looked at.
//
// [Load] reads files into a [Book], which then does not change. The rules, and the
// forms of the files, are in docs/names.md.
package names
