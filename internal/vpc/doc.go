// Package vpc is the network model: which account, VPC, subnet and instance a
// network interface belongs to, and the ids they go by. On a host without any
// configuration it finds all of that in the host itself.
//
// It holds no traffic and speaks no protocol of Amazon's.
package vpc
