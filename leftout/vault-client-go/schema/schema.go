// Package schema declares the requests and answers of Vault that versitygw names.
package schema

type (
	// AppRoleLoginRequest is a role and its secret.
	AppRoleLoginRequest struct{ RoleId, SecretId string }
	// KvV2WriteRequest is a secret to keep.
	KvV2WriteRequest struct{ Data, Options map[string]any }
	// KvV2WriteMetadataRequest says how long a secret is kept.
	KvV2WriteMetadataRequest struct{ DeleteVersionAfter string }
	// KvV2ReadResponse is a secret.
	KvV2ReadResponse struct{ Data, Metadata map[string]any }
	// StandardListResponse is a list of names.
	StandardListResponse struct{ Keys []string }
)
