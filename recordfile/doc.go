// Package recordfile is the file of flow log records as Amazon delivers it: its
// name, and gzip-compressed text with a header line. It does no network I/O.
package recordfile
