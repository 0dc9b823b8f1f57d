// Package tag is the tags that CreateTags and DeleteTags put on resources of the
// network model, beside those the model has: how they go together, and how to follow
// them in the bucket where they are kept. What a call may ask for, and in which words
// it is refused, is in internal/awsapi; the tags of flow logs are with these, in
// internal/flowlog.
package tag
