package main

import (
	"crypto/rand"
	"encoding/base32"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
)

// rootKey is the access key of the embedded services, shaped like Amazon's.
type rootKey struct {
	ID     string `json:"accessKeyId"`
	Secret string `json:"secretAccessKey"`
}

// String leaves the secret out.
func (k rootKey) String() string { return k.ID }

// openRootKey reads the key of a data directory, making one at the first start.
// Only its owner may read the file.
func openRootKey(dir string) (k rootKey, err error) {
	path := filepath.Join(dir, "root-key.json")
	raw, err := os.ReadFile(path)
	if err == nil {
		if err := json.Unmarshal(raw, &k); err != nil || k.ID == "" || k.Secret == "" {
			return k, fmt.Errorf("read %s: not a key; remove it, and a new one is made", path)
		}
		return k, nil
	}
	if !errors.Is(err, os.ErrNotExist) {
		return k, err
	}
	id, secret := make([]byte, 10), make([]byte, 30)
	rand.Read(id) // never fails, and neither does the next
	rand.Read(secret)
	k = rootKey{"AKIA" + base32.StdEncoding.EncodeToString(id), base64.StdEncoding.EncodeToString(secret)}
	raw, err = json.Marshal(map[string]string{"accessKeyId": k.ID, "secretAccessKey": k.Secret})
	if err != nil {
		return k, err
	}
	tmp := path + ".new"
	if err := writeSynced(tmp, append(raw, '\n')); err != nil {
		return k, err
	}
	return k, os.Rename(tmp, path)
}

// writeSynced writes a file that only its owner may read, and returns when it is
// on disk.
func writeSynced(path string, b []byte) error {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	_, err = f.Write(b)
	if err == nil {
		err = f.Sync()
	}
	return errors.Join(err, f.Close())
}
