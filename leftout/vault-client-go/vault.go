// Package vault stands for github.com/hashicorp/vault-client-go, which versitygw's
// accounts import and Weir never uses: it has its own access keys. It declares the
// names that versitygw needs to compile; every call fails with ErrLeftOut.
package vault

import (
	"context"
	"errors"
	"time"

	"github.com/hashicorp/vault-client-go/schema"
)

// ErrLeftOut says that this program was built without a Vault client.
var ErrLeftOut = errors.New("the Vault client is left out of this program")

type (
	// Client is never made.
	Client struct {
		Auth    Auth
		Secrets Secrets
	}
	// Auth logs nobody in.
	Auth struct{}
	// Secrets holds none.
	Secrets struct{}
	// ClientOption is a setting of a Client.
	ClientOption struct{}
	// RequestOption is a setting of a request.
	RequestOption struct{}
	// TLSConfiguration names certificates.
	TLSConfiguration struct {
		ServerCertificate    struct{ FromBytes []byte }
		ClientCertificate    struct{ FromBytes []byte }
		ClientCertificateKey struct{ FromBytes []byte }
	}
	// Response is an answer, never received.
	Response[T any] struct {
		Data T
		Auth *struct{ ClientToken string }
	}
)

// New fails with ErrLeftOut.
func New(...ClientOption) (*Client, error) { return nil, ErrLeftOut }

// SetToken fails with ErrLeftOut.
func (*Client) SetToken(string) error { return ErrLeftOut }

// WithAddress is a setting without effect.
func WithAddress(string) ClientOption { return ClientOption{} }

// WithRequestTimeout is a setting without effect.
func WithRequestTimeout(time.Duration) ClientOption { return ClientOption{} }

// WithTLS is a setting without effect.
func WithTLS(TLSConfiguration) ClientOption { return ClientOption{} }

// WithMountPath is a setting without effect.
func WithMountPath(string) RequestOption { return RequestOption{} }

// WithNamespace is a setting without effect.
func WithNamespace(string) RequestOption { return RequestOption{} }

// IsErrorStatus reports false: no answer has a status.
func IsErrorStatus(err error, status int) bool { return false }

// AppRoleLogin fails with ErrLeftOut.
func (*Auth) AppRoleLogin(context.Context, schema.AppRoleLoginRequest, ...RequestOption) (*Response[map[string]any], error) {
	return nil, ErrLeftOut
}

// KvV2Write fails with ErrLeftOut.
func (*Secrets) KvV2Write(context.Context, string, schema.KvV2WriteRequest, ...RequestOption) (*Response[map[string]any], error) {
	return nil, ErrLeftOut
}

// KvV2WriteMetadata fails with ErrLeftOut.
func (*Secrets) KvV2WriteMetadata(context.Context, string, schema.KvV2WriteMetadataRequest, ...RequestOption) (*Response[map[string]any], error) {
	return nil, ErrLeftOut
}

// KvV2Read fails with ErrLeftOut.
func (*Secrets) KvV2Read(context.Context, string, ...RequestOption) (*Response[schema.KvV2ReadResponse], error) {
	return nil, ErrLeftOut
}

// KvV2List fails with ErrLeftOut.
func (*Secrets) KvV2List(context.Context, string, ...RequestOption) (*Response[schema.StandardListResponse], error) {
	return nil, ErrLeftOut
}

// KvV2DeleteMetadataAndAllVersions fails with ErrLeftOut.
func (*Secrets) KvV2DeleteMetadataAndAllVersions(context.Context, string, ...RequestOption) (*Response[map[string]any], error) {
	return nil, ErrLeftOut
}
