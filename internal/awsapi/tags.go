package awsapi

import (
	"context"

	"weir/internal/ec2"
	"weir/internal/vpc"
)

// A tagger knows the tags that CreateTags and DeleteTags made of those the model
// has. It is read once for each request.
type tagger struct{}

func (a *API) tagger(ctx context.Context) (*tagger, error) { return &tagger{}, nil }

// of returns the tags of a resource, by key: own are those the model has.
func (t *tagger) of(id string, own vpc.Tags) []ec2.Tag { return nil }
