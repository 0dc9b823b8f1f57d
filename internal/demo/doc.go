// Package demo shows what a flow log is: it builds a small network with a
// firewalled web server, sends traffic of every kind that matters, captures it
// for real on the server's interfaces, says in plain words what each record
// means, and checks that what was recorded is what was sent.
//
// What was sent is counted by nftables in the hosts the packets come from and
// go to, which knows nothing of the capture.
package demo
