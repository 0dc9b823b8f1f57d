// Package clienttest holds the API to Amazon's clients for Python and JavaScript,
// which are in e2e/clients. It has nothing but tests; they are apart because the
// clients know the API from outside, over a socket.
package clienttest
