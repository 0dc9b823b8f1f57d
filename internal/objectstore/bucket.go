package objectstore

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"

	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/versity/versitygw/auth"
	"github.com/versity/versitygw/s3api/utils"
)

// CreateBucket sees to it that the bucket exists, durably. It is not an error
// that it does already. It needs no Run.
func (s *Server) CreateBucket(ctx context.Context, name string) error {
	if s.closed.Err() != nil {
		return ErrClosed
	}
	if err := s.createBucket(ctx, name); err != nil {
		return fmt.Errorf("create bucket %s: %w", name, err)
	}
	return nil
}

func (s *Server) createBucket(ctx context.Context, name string) error {
	if !utils.IsValidBucketName(name) {
		return fmt.Errorf("want 3 to 63 of a-z, 0-9, dot and hyphen: %w", os.ErrInvalid)
	}
	if err := s.inPlace(); err != nil {
		return err
	}
	acl, err := json.Marshal(auth.ACL{
		Owner: s.cfg.AccessKey,
		Grantees: []auth.Grantee{{
			Permission: auth.PermissionFullControl, Access: s.cfg.AccessKey, Type: types.TypeCanonicalUser,
		}},
	})
	if err != nil {
		return err
	}
	fi, err := os.Stat(filepath.Join(s.path(objectsDir), name))
	switch {
	case err == nil && !fi.IsDir():
		return fmt.Errorf("%s is not a directory: %w", fi.Name(), os.ErrInvalid)
	case err == nil:
		// The bucket of a process that was killed, or a directory put here by
		// hand, may lack the list without which no request finds it.
		if _, aerr := s.backend.GetBucketAcl(ctx, &s3.GetBucketAclInput{Bucket: &name}); aerr != nil {
			err = s.backend.PutBucketAcl(ctx, name, acl)
		}
	case os.IsNotExist(err):
		err = s.backend.CreateBucket(ctx, &s3.CreateBucketInput{
			Bucket:                    &name,
			ObjectOwnership:           types.ObjectOwnershipBucketOwnerEnforced,
			CreateBucketConfiguration: &types.CreateBucketConfiguration{},
		}, acl)
	}
	if err != nil {
		return err
	}
	if s.sidecar {
		dir := metaDir + "/" + name + "/meta"
		if err := s.syncFiles(dir); err != nil {
			return err
		}
		if err := s.syncUp(dir); err != nil {
			return err
		}
	}
	return s.syncUp(objectsDir + "/" + name)
}
