package awsapi

import "weir/record"

// A query is one of those that a template brings along.
type query struct {
	name, about string
	needs       []record.Field // of the format
	sql         string         // of {table}
}

// queries are what people ask their flow logs first.
func queries() []query {
	addrs := []record.Field{record.SrcAddr, record.DstAddr, record.Bytes}
	return []query{
		{"TopTalkers", "The 50 pairs of addresses with the most bytes", addrs,
			"SELECT srcaddr, dstaddr, SUM(bytes) AS bytes FROM {table} GROUP BY srcaddr, dstaddr ORDER BY bytes DESC LIMIT 50"},
		{"TotalBytesBySource", "The bytes that each address sent", addrs,
			"SELECT srcaddr, SUM(bytes) AS bytes FROM {table} GROUP BY srcaddr ORDER BY bytes DESC"},
		{"TopPacketsByPort", "The ports that most packets went to", []record.Field{record.DstPort, record.Packets},
			"SELECT dstport, SUM(packets) AS packets FROM {table} GROUP BY dstport ORDER BY packets DESC LIMIT 50"},
		{"RejectedTraffic", "What security groups and network ACLs refused", []record.Field{record.Action, record.SrcAddr, record.DstAddr},
			"SELECT * FROM {table} WHERE action = 'REJECT' LIMIT 100"},
		{"SSHAndRDP", "Who asked for SSH and Remote Desktop", []record.Field{record.Action, record.SrcAddr, record.DstAddr, record.DstPort},
			"SELECT srcaddr, dstaddr, dstport, action, COUNT(*) AS records FROM {table} WHERE dstport IN (22, 3389) GROUP BY srcaddr, dstaddr, dstport, action ORDER BY records DESC LIMIT 100"},
		{"BytesByInterface", "The bytes of each network interface", []record.Field{record.InterfaceID, record.Bytes},
			"SELECT interface_id, SUM(bytes) AS bytes FROM {table} GROUP BY interface_id ORDER BY bytes DESC"},
		{"BytesByInstance", "The bytes of each instance", []record.Field{record.InstanceID, record.Bytes},
			"SELECT instance_id, SUM(bytes) AS bytes FROM {table} GROUP BY instance_id ORDER BY bytes DESC"},
		{"SkippedData", "When flows could not be recorded", []record.Field{record.LogStatus},
			"SELECT * FROM {table} WHERE log_status = 'SKIPDATA' LIMIT 100"},
	}
}

// queriesFor returns the queries that a format has all fields for.
func queriesFor(f record.Format) []query {
	var out []query
	for _, q := range queries() {
		all := true
		for _, field := range q.needs {
			all = all && f.Has(field)
		}
		if all {
			out = append(out, q)
		}
	}
	return out
}
