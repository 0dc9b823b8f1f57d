package record_test

import (
	"bufio"
	"errors"
	"fmt"
	"log"
	"net/netip"
	"os"
	"strings"

	"weir/record"
)

// Reading: a header says what the lines below it hold, and a line that is wrong
// says why.
func Example_read() {
	const file = `version srcaddr dstaddr dstport bytes action tcp-flags
3 203.0.113.7 10.0.0.5 22 260 REJECT 2
3 10.0.0.5 198.51.100.9 443 8400 ACCEPT 19
3 10.0.0.5 198.51.100.999 443 8400 ACCEPT 19
`
	format := record.Default()
	var r record.Record
	for sc := bufio.NewScanner(strings.NewReader(file)); sc.Scan(); {
		if f, ok := record.ParseHeader(sc.Bytes()); ok {
			format = f
			continue
		}
		if err := format.Parse(sc.Bytes(), &r); err != nil {
			var fe *record.FieldError
			fmt.Println(err, errors.As(err, &fe))
			continue
		}
		src, _ := r.Addr(record.SrcAddr)
		port, _ := r.Int(record.DstPort)
		flags, _ := r.Flags()
		fmt.Println(src, port, r.Verdict(), flags)
	}
	// Output:
	// 203.0.113.7 22 REJECT SYN
	// 10.0.0.5 443 ACCEPT SYN-ACK,FIN
	// field dstaddr "198.51.100.999": value out of range true
}

// Writing: what is the same for all records of an interface is set once; a
// field that is not set is printed "-".
func Example_write() {
	format, err := record.ParseFormat("default+tcp-flags+resource-id")
	if err != nil {
		log.Fatal(err)
	}
	out := append(format.AppendHeader(nil), '\n')

	var r record.Record
	r.SetText(record.AccountID, "123456789012")
	r.SetText(record.InterfaceID, "eni-0a1b2c3d4e5f60718")
	r.SetInt(record.Start, 1700000000)
	r.SetInt(record.End, 1700000059)
	r.SetStatus(record.NoData)
	out = append(format.Append(out, &r), '\n')

	r.SetAddr(record.SrcAddr, netip.MustParseAddr("10.0.1.5"))
	r.SetAddr(record.DstAddr, netip.MustParseAddr("2001:db8::9"))
	r.SetInt(record.SrcPort, 49152)
	r.SetInt(record.DstPort, 443)
	r.SetInt(record.Protocol, 6)
	r.SetInt(record.Packets, 10)
	r.SetInt(record.Bytes, 8400)
	r.SetInt(record.TCPFlags, int64(record.SYN|record.FIN))
	r.SetVerdict(record.Accept)
	r.SetStatus(record.OK)
	out = append(format.Append(out, &r), '\n')
	os.Stdout.Write(out)
	// Output:
	// version account-id interface-id srcaddr dstaddr srcport dstport protocol packets bytes start end action log-status tcp-flags resource-id
	// 9 123456789012 eni-0a1b2c3d4e5f60718 - - - - - - - 1700000000 1700000059 - NODATA - -
	// 9 123456789012 eni-0a1b2c3d4e5f60718 10.0.1.5 2001:db8::9 49152 443 6 10 8400 1700000000 1700000059 ACCEPT OK 3 -
}

// A format string that is wrong says where, and what was perhaps meant.
func ExampleParseFormat() {
	_, err := record.ParseFormat("default+tcp-flag")
	fmt.Println(err)
	// Output:
	// format column 9: unknown field "tcp-flag", did you mean "tcp-flags"?
}
