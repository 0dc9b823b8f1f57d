package recordfile_test

import (
	"bytes"
	"fmt"
	"io"
	"math/rand/v2"
	"net/netip"
	"testing"
	"time"

	"weir/record"
	"weir/recordfile"
)

// traffic returns the lines of n records of a busy network of 240 interfaces: some
// 90 % accepted, 5 % IPv6, addresses by a power law, one minute's windows. The same
// n gives the same records.
func traffic(tb testing.TB, f record.Format, n int) (text []byte) {
	tb.Helper()
	rng := rand.New(rand.NewPCG(1, uint64(n)))
	inside := rand.NewZipf(rng, 1.2, 8, 19999)
	outside := rand.NewZipf(rng, 1.1, 16, 199999)
	eni := rand.NewZipf(rng, 1.3, 4, 239)
	var set record.Record
	for i := range n {
		fill(&set, rng, eni.Uint64(), inside.Uint64(), outside.Uint64(), 1700000000+int64(i)/50000*60)
		text = append(f.Append(text, &set), '\n')
	}
	return text
}

// fill makes r a record between an inside and an outside address.
func fill(r *record.Record, rng *rand.Rand, eni, inside, outside uint64, start int64) {
	r.Reset()
	r.SetText(record.AccountID, "123456789012")
	r.SetText(record.InterfaceID, fmt.Sprintf("eni-0%016x", (eni+1)*0x9e3779b97f4a7c15))
	r.SetText(record.VPCID, "vpc-0a1b2c3d4e5f67890")
	r.SetText(record.SubnetID, fmt.Sprintf("subnet-0%016x", (eni%12+1)*0xbf58476d1ce4e5b9))
	r.SetText(record.InstanceID, fmt.Sprintf("i-0%016x", (eni+1)*0x94d049bb133111eb))
	r.SetText(record.Region, "us-east-1")
	r.SetText(record.AZID, fmt.Sprintf("use1-az%d", eni%6+1))
	r.SetInt(record.Start, start)
	r.SetInt(record.End, start+59)
	if rng.IntN(64) == 0 {
		r.SetStatus(record.NoData)
		return
	}
	r.SetStatus(record.OK)
	in := netip.AddrFrom4([4]byte{10, byte(inside >> 16), byte(inside >> 8), byte(inside)})
	h := uint32(outside+1) * 0x9e3779b1
	out := netip.AddrFrom4([4]byte{byte(h>>24)%200 + 11, byte(h >> 16), byte(h >> 8), byte(h)})
	typ := "IPv4"
	if rng.IntN(20) == 0 {
		out = netip.AddrFrom16([16]byte{0x26, 0x20, 1, 0x49, 8: byte(h >> 24), 13: byte(h >> 16), 14: byte(h >> 8), 15: byte(h)})
		in = netip.AddrFrom16([16]byte{0x26, 0, 0x1f, 0x18, 14: byte(inside >> 8), 15: byte(inside)})
		typ = "IPv6"
	}
	port := []int64{443, 443, 443, 443, 80, 53, 22, 5432, 6379, 3306, 8080, 9092}[rng.IntN(12)]
	high := 1024 + rng.Int64N(64512)
	packets := int64(1) << rng.IntN(12)
	packets += rng.Int64N(packets)
	r.SetInt(record.Protocol, []int64{6, 6, 6, 6, 6, 17}[rng.IntN(6)])
	r.SetInt(record.Packets, packets)
	r.SetInt(record.Bytes, packets*(40+rng.Int64N(1400)))
	r.SetInt(record.Start, start+rng.Int64N(30))
	r.SetInt(record.End, start+30+rng.Int64N(30))
	r.SetVerdict(record.Accept)
	if rng.IntN(10) == 0 {
		r.SetVerdict(record.Reject)
	}
	r.SetInt(record.TCPFlags, []int64{0, 0, 2, 3, 18, 19}[rng.IntN(6)])
	r.SetText(record.Type, typ)
	src, dst, sport, dport, direction := in, out, high, port, "egress"
	if rng.IntN(2) == 0 {
		src, dst, sport, dport, direction = out, in, port, high, "ingress"
	} else {
		r.SetInt(record.TrafficPath, []int64{1, 8, 8}[rng.IntN(3)])
		if rng.IntN(4) == 0 {
			r.SetText(record.PktDstAWSService, []string{"S3", "AMAZON", "DYNAMODB", "EC2"}[rng.IntN(4)])
		}
	}
	r.SetText(record.FlowDirection, direction)
	for _, f := range []record.Field{record.SrcAddr, record.PktSrcAddr} {
		r.SetAddr(f, src)
	}
	for _, f := range []record.Field{record.DstAddr, record.PktDstAddr} {
		r.SetAddr(f, dst)
	}
	r.SetInt(record.SrcPort, sport)
	r.SetInt(record.DstPort, dport)
}

func mustFormat(tb testing.TB, s string) record.Format {
	tb.Helper()
	f, err := record.ParseFormat(s)
	if err != nil {
		tb.Fatal(err)
	}
	return f
}

// BenchmarkWrite reports the cost of a record in files of 200 000, in seconds of
// the processor, so that other work on the machine matters less. MB/s are of the
// same records as text.
func BenchmarkWrite(b *testing.B) {
	const n = 200_000
	for _, format := range []string{"default", "v5"} {
		f := mustFormat(b, format)
		text := traffic(b, f, n)
		for _, kind := range []struct {
			name string
			new  func() (recordfile.Writer, error)
		}{
			{"text", func() (recordfile.Writer, error) { return recordfile.NewTextWriter(io.Discard, f) }},
			{"parquet", func() (recordfile.Writer, error) {
				return recordfile.NewParquetWriter(io.Discard, f, recordfile.ParquetOptions{})
			}},
			{"parquet-zstd", func() (recordfile.Writer, error) {
				return recordfile.NewParquetWriter(io.Discard, f, recordfile.ParquetOptions{Codec: recordfile.Zstd})
			}},
		} {
			b.Run(kind.name+"/"+format, func(b *testing.B) {
				w, err := kind.new()
				if err != nil {
					b.Fatal(err)
				}
				var total time.Duration
				b.ReportAllocs()
				for b.Loop() {
					total += writeAll(b, w, f, text)
				}
				seconds := total.Seconds() / float64(b.N)
				b.ReportMetric(n/seconds, "records/cpu-s")
				b.ReportMetric(float64(len(text))/1e6/seconds, "MB/cpu-s")
				b.ReportMetric(float64(w.Size().Compressed)/n, "B/record")
			})
		}
	}
}

// writeAll writes one file of all lines and returns the time the processor took
// for that, without that of reading the lines.
func writeAll(b *testing.B, w recordfile.Writer, f record.Format, text []byte) (total time.Duration) {
	records := make([]record.Record, 256)
	start := cpuTime()
	if err := w.Reset(io.Discard); err != nil {
		b.Fatal(err)
	}
	total = cpuTime() - start
	for len(text) > 0 {
		n := 0
		for n < len(records) && len(text) > 0 {
			end := bytes.IndexByte(text, '\n')
			if err := f.Parse(text[:end:end], &records[n]); err != nil {
				b.Fatal(err)
			}
			text = text[end+1:]
			n++
		}
		start := cpuTime()
		for i := range n {
			if err := w.Write(&records[i]); err != nil {
				b.Fatal(err)
			}
		}
		total += cpuTime() - start
	}
	start = cpuTime()
	if err := w.Close(); err != nil {
		b.Fatal(err)
	}
	return total + cpuTime() - start
}
