package objectstore

import (
	"crypto/hmac"

	"github.com/versity/versitygw/auth"
	"github.com/versity/versitygw/s3err"

	"weir/internal/sigv4"
)

// accounts are the users of the server: versitygw's single account, and whoever
// [Config.Keys] knows. All of them may do everything.
type accounts struct {
	auth.IAMService // of the single account; there is no administration
	keys            func(id string) (sigv4.Key, bool)
}

var (
	_ auth.IAMService         = accounts{}
	_ auth.SigningKeyProvider = accounts{}
)

// GetUserAccount implements [auth.IAMService].
func (a accounts) GetUserAccount(access string) (auth.Account, error) {
	if account, err := a.IAMService.GetUserAccount(access); err == nil {
		return account, nil
	}
	if key, ok := a.lookup(access); ok {
		return auth.Account{Access: key.ID, Secret: key.Secret, Role: auth.RoleAdmin}, nil
	}
	return auth.Account{}, s3err.GetAPIError(s3err.ErrAdminUserNotFound)
}

// ResolveAccounts implements [auth.IAMService].
func (a accounts) ResolveAccounts(ids []string) ([]string, error) {
	missing := []string{}
	for _, id := range ids {
		if _, err := a.GetUserAccount(id); err != nil {
			missing = append(missing, id)
		}
	}
	return missing, nil
}

// DeriveSigningKey implements [auth.SigningKeyProvider], which versitygw asks for any
// key but the one of [Config]: only so does it pass session tokens on, and answer an
// unknown key like Amazon, with InvalidAccessKeyId.
func (a accounts) DeriveSigningKey(access, token, day, region, service string) ([]byte, auth.Account, error) {
	key, ok := a.lookup(access)
	if !ok {
		return nil, auth.Account{}, auth.ErrNoSuchUser
	}
	if !hmac.Equal([]byte(token), []byte(key.Token)) {
		return nil, auth.Account{}, auth.ErrInvalidSessionToken
	}
	return key.SigningKey(day, region, service), auth.Account{Access: key.ID, Role: auth.RoleAdmin}, nil
}

func (a accounts) lookup(id string) (sigv4.Key, bool) {
	if a.keys == nil {
		return sigv4.Key{}, false
	}
	key, ok := a.keys(id)
	return key, ok && key.ID == id && key.Secret != ""
}
