package show

import (
	"encoding/json"
	"strconv"

	"weir/internal/query"
	"weir/record"
)

// OCSFVersion is the version of the schema that [AppendOCSF] writes.
const OCSFVersion = "1.3.0"

// AppendOCSF appends a record as an event of the class Network Activity (4001) of the
// Open Cybersecurity Schema Framework, https://schema.ocsf.io/1.3.0/classes/network_activity,
// one JSON object without newline. What the schema has no place for is under "unmapped",
// so that nothing is lost. A record without flow, NODATA or SKIPDATA, becomes an event
// of the activity Other.
func AppendOCSF(out []byte, f record.Format, r *record.Record) []byte {
	m := &mapping{r: r, used: map[record.Field]bool{}}
	e := m.event()
	unmapped := map[string]any{}
	for i := range f.Len() {
		field := f.Field(i)
		if field == record.None {
			if v, ok := r.Extension(f.Name(i)); ok {
				unmapped[f.Name(i)] = string(v)
			}
		} else if !m.used[field] && r.Has(field) {
			unmapped[field.Name()] = m.value(field)
		}
	}
	if len(unmapped) > 0 {
		e["unmapped"] = unmapped
	}
	b, err := json.Marshal(e)
	if err != nil {
		panic(err) // maps of strings and numbers
	}
	return append(out, b...)
}

// A mapping takes the fields of one record, and notes which.
type mapping struct {
	r    *record.Record
	used map[record.Field]bool
}

type object = map[string]any

func (m *mapping) value(f record.Field) any {
	m.used[f] = true
	if v, ok := m.r.Int(f); ok {
		return v
	}
	return string(m.r.AppendField(nil, f))
}

// put sets a member to the first of fields that the record has.
func (m *mapping) put(o object, name string, fields ...record.Field) {
	for _, f := range fields {
		if m.r.Has(f) {
			o[name] = m.value(f)
			return
		}
	}
}

func (m *mapping) event() object {
	e := object{
		"category_uid": 4, "category_name": "Network Activity",
		"class_uid": 4001, "class_name": "Network Activity",
		"activity_id": 6, "activity_name": "Traffic",
		"severity_id": 1, "severity": "Informational",
		"metadata": object{"version": OCSFVersion, "profiles": []string{"cloud", "security_control", "datetime"},
			"product": object{"name": "VPC Flow Logs", "vendor_name": "Weir", "feature": object{"name": "Flow record"}}},
	}
	if m.used[record.Version] = true; m.r.Has(record.Version) {
		e["metadata"].(object)["product"].(object)["version"] = string(m.r.AppendField(nil, record.Version))
	}
	if m.r.Status() == record.NoData || m.r.Status() == record.SkipData {
		e["activity_id"], e["activity_name"] = 99, "Other"
	}
	e["type_uid"] = 4001*100 + e["activity_id"].(int)
	m.put(e, "status_code", record.LogStatus)
	m.times(e)
	m.verdict(e)
	src, dst := m.endpoints()
	if len(src) == 0 && len(dst) == 0 { // without traffic there is the interface only
		m.put(dst, "interface_uid", record.InterfaceID)
	}
	// An endpoint that nothing is known of is none.
	if len(src) > 0 {
		e["src_endpoint"] = src
	}
	if len(dst) > 0 {
		e["dst_endpoint"] = dst
	}
	e["connection_info"] = m.connection()
	traffic := object{}
	m.put(traffic, "bytes", record.Bytes)
	m.put(traffic, "packets", record.Packets)
	if len(traffic) > 0 {
		e["traffic"] = traffic
	}
	e["cloud"] = m.cloud()
	return e
}

// times are milliseconds since 1970 in OCSF.
func (m *mapping) times(e object) {
	for _, t := range [...]struct {
		field record.Field
		name  string
	}{{record.Start, "start_time"}, {record.End, "end_time"}} {
		if v, ok := m.r.Int(t.field); ok && v <= maxSeconds {
			m.used[t.field] = true
			e[t.name] = v * 1000
		}
	}
	if at, ok := e["start_time"]; ok {
		e["time"] = at
	} else if at, ok := e["end_time"]; ok {
		e["time"] = at
	} else {
		e["time"] = 0
	}
}

const maxSeconds = 1 << 52 / 1000

func (m *mapping) verdict(e object) {
	switch m.r.Verdict() {
	case record.Accept:
		e["action_id"], e["action"], e["disposition_id"], e["disposition"] = 1, "Allowed", 1, "Allowed"
	case record.Reject:
		e["action_id"], e["action"], e["disposition_id"], e["disposition"] = 2, "Denied", 2, "Blocked"
	default:
		e["action_id"], e["disposition_id"] = 0, 0
		return
	}
	m.used[record.Action] = true
}

// endpoints are who sent and who received. The interface that recorded the flow, with
// what belongs to it, is the receiver's for ingress and the sender's for egress; where
// the record does not say which it is, it stays unmapped.
func (m *mapping) endpoints() (src, dst object) {
	src, dst = object{}, object{}
	m.ip(src, record.SrcAddr)
	m.put(src, "port", record.SrcPort)
	m.ip(dst, record.DstAddr)
	m.put(dst, "port", record.DstPort)
	m.put(src, "svc_name", record.PktSrcAWSService)
	m.put(dst, "svc_name", record.PktDstAWSService)
	if v, ok := m.r.Text(record.FlowDirection); ok {
		mine := dst
		if string(v) == "egress" {
			mine = src
		}
		m.put(mine, "interface_uid", record.InterfaceID)
		m.put(mine, "vpc_uid", record.VPCID)
		m.put(mine, "subnet_uid", record.SubnetID)
		m.put(mine, "instance_uid", record.InstanceID)
	}
	return src, dst
}

// ip sets the address of an endpoint. One that was masked is none to the schema, and
// stays unmapped.
func (m *mapping) ip(o object, f record.Field) {
	if _, ok := m.r.Addr(f); ok {
		m.put(o, "ip", f)
	}
}

func (m *mapping) connection() object {
	c := object{"direction_id": 0, "direction": "Unknown"}
	if v, ok := m.r.Text(record.FlowDirection); ok {
		m.used[record.FlowDirection] = true
		c["direction_id"], c["direction"] = 1, "Inbound"
		if string(v) == "egress" {
			c["direction_id"], c["direction"] = 2, "Outbound"
		}
	}
	if v, ok := m.r.Int(record.Protocol); ok {
		m.put(c, "protocol_num", record.Protocol)
		number := strconv.FormatInt(v, 10)
		if name := query.Word(query.Column{Field: record.Protocol, Name: record.Protocol.Name()}, number); name != number {
			c["protocol_name"] = name
		}
	}
	m.put(c, "tcp_flags", record.TCPFlags)
	version := ""
	if v, ok := m.r.Text(record.Type); ok {
		version = string(v)
		m.used[record.Type] = version == "IPv4" || version == "IPv6"
	} else if a, ok := m.r.Addr(record.SrcAddr); ok {
		version = map[bool]string{true: "IPv4", false: "IPv6"}[a.Is4()]
	}
	switch version {
	case "IPv4":
		c["protocol_ver_id"], c["protocol_ver"] = 4, "Internet Protocol version 4 (IPv4)"
	case "IPv6":
		c["protocol_ver_id"], c["protocol_ver"] = 6, "Internet Protocol version 6 (IPv6)"
	}
	return c
}

func (m *mapping) cloud() object {
	cloud := object{"provider": "AWS"}
	m.put(cloud, "region", record.Region)
	m.put(cloud, "zone", record.AZID)
	if m.r.Has(record.AccountID) {
		cloud["account"] = object{"uid": m.value(record.AccountID), "type_id": 10, "type": "AWS Account"}
	}
	return cloud
}
