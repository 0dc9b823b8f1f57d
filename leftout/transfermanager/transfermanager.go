// Package transfermanager stands for
// github.com/aws/aws-sdk-go-v2/feature/s3/transfermanager, with which versitygw keeps
// accounts in another S3, and Weir has its one. It declares the names that versitygw
// needs to compile; uploading fails with ErrLeftOut.
package transfermanager

import (
	"context"
	"errors"
	"io"
)

// ErrLeftOut says that this program was built without the transfer manager.
var ErrLeftOut = errors.New("the transfer manager is left out of this program")

// Client uploads nothing.
type Client struct{}

// New returns a Client.
func New(any) *Client { return &Client{} }

// UploadObjectInput is an object to upload.
type UploadObjectInput struct {
	Body        io.Reader
	Bucket, Key *string
}

// UploadObjectOutput is empty.
type UploadObjectOutput struct{}

// UploadObject fails with ErrLeftOut.
func (*Client) UploadObject(context.Context, *UploadObjectInput) (*UploadObjectOutput, error) {
	return nil, ErrLeftOut
}
