// Package firewall says what security groups and network ACLs do with a packet, and
// which rule does it. It asks no kernel: Compile makes one Policy for each interface of
// a network model, and a Policy answers about packets.
//
// An answer is never a bare yes or no. It has a Step for each layer that the packet
// meets, each with the rule that decided, or the nearest rules that did not match and
// what keeps them from it.
//
// # What is evaluated
//
// A packet that comes in meets the ingress entries of its subnet's network ACL, then the
// ingress rules of the interface's security groups; one that goes out meets the egress
// rules of the groups, then the egress entries of the ACL. Between two interfaces of one
// subnet there is no ACL.
//
// Security groups only allow, and the rules of all groups of an interface count together.
// They are stateful: what answers an allowed connection passes, whatever the rules say.
// Network ACLs are stateless: the entry with the lowest number that matches decides, for
// requests and answers alike, and what none matches is refused.
//
// A rule that refers to a security group means the private addresses of the interfaces
// in that group, not their public ones.
//
// Neither filters what goes to and from Amazon's own services at an instance's side:
// the DNS server of the VPC, instance and task metadata, time synchronization, licence
// activation, DHCP, the router's reserved address.
//
// # What is not known
//
// A record has no ICMP type, a saved network may lack the members of a group in another
// account, a prefix list may have no entries here. Where the verdict depends on such a
// thing, it is Undecided, and the Step says on what.
//
// # Source
//
// "Security groups for your VPC", "Security group rules", "Network ACLs" and "Network
// ACL rules" in the Amazon VPC User Guide, "Security group connection tracking" in the
// Amazon EC2 User Guide, as known on 2026-11-24. None of it was compared with Amazon's
// own network; a test compares it with the kernel's nftables, for rules made from the
// same model.
package firewall
