package query

import (
	"strings"

	"weir/internal/rows"
	"weir/record"
)

// Names of numbers. Numbers are those of IANA's registries "Service Name and Transport
// Protocol Port Number" and "Protocol Numbers", as Debian's netbase 6.4 has them
// (compared on 2026-11-24), or else the ports that the software listens on by default.
// Names are IANA's, and those that people use where IANA's is another.
//
// What a port is called says nothing about what goes through it.
const (
	serviceTable = `
		ftp-data 20, ftp 21, ssh 22, sftp 22, telnet 23, smtp 25, whois 43, tacacs 49, dns 53, domain 53, dhcp 67, bootps 67,
		dhcp-client 68, bootpc 68, tftp 69, http 80, kerberos 88, pop3 110, sunrpc 111, rpcbind 111, ident 113, nntp 119,
		ntp 123, epmap 135, msrpc 135, netbios-ns 137, netbios-dgm 138, netbios-ssn 139, imap 143, snmp 161, snmptrap 162,
		snmp-trap 162, bgp 179, ldap 389, https 443, smb 445, microsoft-ds 445, kpasswd 464, smtps 465, submissions 465,
		isakmp 500, ike 500, rsh 514, syslog 514, printer 515, lpd 515, rip 520, dhcpv6-client 546, dhcpv6 547,
		dhcpv6-server 547, rtsp 554, submission 587, ipp 631, ldaps 636, dns-over-tls 853, domain-s 853, rsync 873,
		ftps-data 989, ftps 990, telnets 992, imaps 993, pop3s 995,
		socks 1080, openvpn 1194, mssql 1433, ms-sql-s 1433, ms-sql-m 1434, oracle 1521, l2tp 1701, pptp 1723, radius 1812,
		radius-acct 1813, mqtt 1883, nfs 2049, zookeeper 2181, docker 2375, docker-tls 2376, etcd 2379, etcd-peer 2380,
		iscsi 3260, iscsi-target 3260, ldap-gc 3268, mysql 3306, rdp 3389, ms-wbt-server 3389, stun 3478, svn 3690, nat-t 4500,
		ipsec-nat-t 4500, vxlan 4789, sip 5060, sips 5061, sip-tls 5061, xmpp-client 5222, xmpp-server 5269, mdns 5353,
		llmnr 5355, postgresql 5432, postgres 5432, redshift 5439, amqps 5671, amqp 5672, vnc 5900, winrm 5985, winrms 5986,
		x11 6000, geneve 6081, redis 6379, kube-apiserver 6443, syslog-tls 6514, http-alt 8080, puppet 8140, mqtts 8883,
		https-alt 8443, cassandra 9042, kafka 9092, prometheus 9090, elasticsearch 9200, git 9418, kubelet 10250,
		zabbix-agent 10050, zabbix-trapper 10051, memcached 11211, mongodb 27017, mongo 27017, wireguard 51820`

	protocolTable = `
		icmp 1, igmp 2, ipencap 4, tcp 6, egp 8, igp 9, udp 17, dccp 33, ipv6 41, rsvp 46, gre 47, esp 50, ah 51, icmpv6 58,
		icmp6 58, ipv6-icmp 58, eigrp 88, ospf 89, etherip 97, pim 103, vrrp 112, l2tp 115, sctp 132, udplite 136`
)

var (
	services  = numbers(serviceTable)
	protocols = numbers(protocolTable)
)

// numbers reads a table of names and numbers.
func numbers(table string) map[string]int64 {
	m := map[string]int64{}
	for entry := range strings.SplitSeq(table, ",") {
		name, number, _ := strings.Cut(strings.TrimSpace(entry), " ")
		n, ok := digits(number)
		if _, twice := m[name]; !ok || twice {
			panic("BUG: query: table of numbers: " + entry)
		}
		m[name] = n
	}
	return m
}

// digits reads a decimal number without sign and leading zeros.
func digits(s string) (int64, bool) { return rows.ParseInt([]byte(s)) }

// flags are the bits of tcp-flags, in the order in which they are printed.
var flags = []struct {
	name string
	bits record.Flags
}{
	{"syn", record.SYN}, {"ack", record.ACK}, {"fin", record.FIN}, {"rst", record.RST},
	{"psh", record.PSH}, {"urg", record.URG}, {"ece", record.ECE}, {"cwr", record.CWR},
}

// parseFlags reads names such as syn,ack and syn-ack, or none.
func parseFlags(s string) (record.Flags, bool) {
	s = strings.ToLower(s)
	if s == "none" {
		return 0, true
	}
	var all record.Flags
	for name := range strings.FieldsFuncSeq(s, func(r rune) bool { return r == ',' || r == '+' || r == '-' }) {
		bits := flag(name)
		if bits == 0 {
			return 0, false
		}
		all |= bits
	}
	return all, all != 0
}

func flag(name string) record.Flags {
	for _, f := range flags {
		if f.name == name {
			return f.bits
		}
	}
	return 0
}

// flagText is how parseFlags reads bits back.
func flagText(bits record.Flags) string {
	var names []string
	for _, f := range flags {
		if bits&f.bits != 0 {
			names = append(names, f.name)
		}
	}
	if names == nil {
		return "none"
	}
	return strings.Join(names, "+")
}

// Service returns what a port is called, "" if it has no name.
func Service(port int64) string { return serviceNames[port] }

// serviceNames are the first name of each port in the table of services.
var serviceNames = func() map[int64]string {
	m := map[int64]string{}
	for entry := range strings.SplitSeq(serviceTable, ",") {
		name, number, _ := strings.Cut(strings.TrimSpace(entry), " ")
		if port := services[name]; m[port] == "" && number != "" {
			m[port] = name
		}
	}
	return m
}()
