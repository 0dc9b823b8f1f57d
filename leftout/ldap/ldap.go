// Package ldap stands for github.com/go-ldap/ldap/v3, which versitygw's accounts
// import and Weir never uses: it has its own access keys. It declares the names that
// versitygw needs to compile; every call fails with ErrLeftOut.
package ldap

import (
	"crypto/tls"
	"errors"
)

// ErrLeftOut says that this program was built without an LDAP client.
var ErrLeftOut = errors.New("the LDAP client is left out of this program")

// What a search is asked for, and how a connection ends.
const (
	ScopeWholeSubtree = 2
	NeverDerefAliases = 0
	ErrorNetwork      = 200
)

type (
	// Conn is never made.
	Conn struct{}
	// Error is never returned.
	Error struct {
		ResultCode uint16
		error
	}
	// Control is never sent.
	Control interface{}
	// DialOpt is a setting of a connection.
	DialOpt struct{}
	// AddRequest would add an entry.
	AddRequest struct{}
	// DelRequest would delete an entry.
	DelRequest struct{}
	// ModifyRequest would change an entry.
	ModifyRequest struct{}
	// SearchRequest would look for entries.
	SearchRequest struct{}
	// SearchResult holds no entry.
	SearchResult struct{ Entries []*Entry }
	// Entry is never found.
	Entry struct{}
)

// DialURL fails with ErrLeftOut.
func DialURL(string, ...DialOpt) (*Conn, error) { return nil, ErrLeftOut }

// DialWithTLSConfig is a setting without effect.
func DialWithTLSConfig(*tls.Config) DialOpt { return DialOpt{} }

// Bind fails with ErrLeftOut.
func (*Conn) Bind(name, password string) error { return ErrLeftOut }

// Add fails with ErrLeftOut.
func (*Conn) Add(*AddRequest) error { return ErrLeftOut }

// Del fails with ErrLeftOut.
func (*Conn) Del(*DelRequest) error { return ErrLeftOut }

// Modify fails with ErrLeftOut.
func (*Conn) Modify(*ModifyRequest) error { return ErrLeftOut }

// Search fails with ErrLeftOut.
func (*Conn) Search(*SearchRequest) (*SearchResult, error) { return nil, ErrLeftOut }

// Close does nothing.
func (*Conn) Close() error { return nil }

// NewAddRequest returns a request that Add refuses.
func NewAddRequest(dn string, controls []Control) *AddRequest { return &AddRequest{} }

// Attribute does nothing.
func (*AddRequest) Attribute(name string, values []string) {}

// NewDelRequest returns a request that Del refuses.
func NewDelRequest(dn string, controls []Control) *DelRequest { return &DelRequest{} }

// NewModifyRequest returns a request that Modify refuses.
func NewModifyRequest(dn string, controls []Control) *ModifyRequest { return &ModifyRequest{} }

// Replace does nothing.
func (*ModifyRequest) Replace(name string, values []string) {}

// NewSearchRequest returns a request that Search refuses.
func NewSearchRequest(base string, scope, deref, size, seconds int, typesOnly bool, filter string,
	attributes []string, controls []Control) *SearchRequest {
	return &SearchRequest{}
}

// GetAttributeValue returns no value.
func (*Entry) GetAttributeValue(string) string { return "" }

// EscapeDN returns s.
func EscapeDN(s string) string { return s }

// EscapeFilter returns s.
func EscapeFilter(s string) string { return s }
