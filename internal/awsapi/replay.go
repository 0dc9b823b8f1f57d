package awsapi

import "weir/internal/kv"

type replays struct{ bucket kv.Bucket }

func (r *replays) init(bucket kv.Bucket) { r.bucket = bucket }
