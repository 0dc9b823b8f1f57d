package awsapi

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"weir/internal/ec2"
	"weir/internal/flowlog"
	"weir/internal/kv"
	"weir/internal/vpc"
)

// Bounds of CreateFlowLogs.
const (
	maxTransitGateways = 25
	maxClientToken     = 64
	destinationTimeout = 30 * time.Second

	// tokenFor is how long a client token is remembered. Amazon does not say how
	// long its own are.
	tokenFor = 24 * time.Hour
)

func (a *API) createFlowLogs(ctx context.Context, in *ec2.CreateFlowLogs) (*ec2.CreateFlowLogsAnswer, error) {
	wanted, err := a.checkCreate(in)
	if err != nil {
		return nil, err
	}
	var refused *ec2.Error
	if !in.DryRun {
		refused = a.undeliverable(ctx, &wanted[0]) // may take its time: others need not wait
	}
	a.making.Lock()
	defer a.making.Unlock()
	p, err := a.planned(ctx, in)
	if err != nil {
		return nil, err
	}
	if p != nil && p.Answer != nil {
		if in.DryRun {
			return nil, ec2.DryRunOperation.With()
		}
		return p.Answer.answer(in.ClientToken), nil
	}
	if err := a.free(ctx, wanted, p); err != nil {
		return nil, err
	}
	if in.DryRun {
		return nil, ec2.DryRunOperation.With()
	}
	if refused != nil {
		out := new(made)
		for i := range wanted {
			out.Unsuccessful = append(out.Unsuccessful, unsuccessful(wanted[i].ResourceID, refused))
		}
		return out.answer(in.ClientToken), nil
	}
	return a.create(ctx, in, wanted, p)
}

// checkCreate returns the parameters of each flow log that is asked for.
func (a *API) checkCreate(in *ec2.CreateFlowLogs) ([]flowlog.Params, error) {
	if err := checkToken(in.ClientToken); err != nil {
		return nil, err
	}
	limit := flowlog.MaxResources
	switch flowlog.ResourceType(in.ResourceType) {
	case flowlog.TransitGateway, flowlog.TransitGatewayAttachment:
		limit = maxTransitGateways
	}
	switch {
	case len(in.ResourceIDs) == 0:
		return nil, ec2.MissingParameter.With("ResourceId")
	case len(in.ResourceIDs) > limit:
		return nil, ec2.TooManyValues.With("ResourceId", len(in.ResourceIDs), limit)
	}
	common, err := paramsOf(in)
	if err != nil {
		return nil, err
	}
	var out []flowlog.Params
	for _, id := range distinct(in.ResourceIDs) {
		p := common
		p.ResourceID = id
		if err := p.Check(); err != nil {
			return nil, err
		}
		if err := p.CheckGroup(a.cfg.Account, a.cfg.Region); err != nil {
			return nil, err
		}
		out = append(out, p)
	}
	return out, nil
}

// distinct returns each id once, in the order in which they first come.
func distinct(ids []string) []string {
	var out []string
	for _, id := range ids {
		if !slices.Contains(out, id) {
			out = append(out, id)
		}
	}
	return out
}

func checkToken(token string) error {
	long := len(token) > maxClientToken
	for i := range len(token) {
		long = long || token[i] < ' ' || token[i] > '~'
	}
	if long {
		return ec2.TooLong.With(token, "clientToken", maxClientToken)
	}
	return nil
}

// paramsOf returns the parameters that all resources have in common.
func paramsOf(in *ec2.CreateFlowLogs) (flowlog.Params, error) {
	p := flowlog.Params{
		ResourceType:     flowlog.ResourceType(in.ResourceType),
		TrafficType:      in.TrafficType,
		Format:           in.LogFormat,
		DestinationType:  flowlog.DestinationType(in.LogDestinationType),
		Destination:      in.LogDestination,
		LogGroup:         in.LogGroupName,
		PermissionRole:   in.DeliverLogsPermissionARN,
		CrossAccountRole: in.DeliverCrossAccountRole,
		ClientToken:      in.ClientToken,
	}
	if in.MaxAggregationInterval != nil {
		p.Interval = time.Duration(*in.MaxAggregationInterval) * time.Second
		if p.Interval == 0 {
			return p, ec2.WrongInterval.With()
		}
	}
	if o := in.DestinationOptions; o != nil {
		p.DestinationOptions, p.Hive, p.PerHour = true, o.HiveCompatiblePartitions, o.PerHourPartition
		switch o.FileFormat {
		case "", "plain-text":
		case "parquet":
			p.Parquet = true
		default:
			return p, ec2.NoEnumValue.With(o.FileFormat, "fileFormat")
		}
	}
	for _, f := range in.TagFieldSpecifications {
		p.TagFields = append(p.TagFields, flowlog.TagField{ResourceType: f.ResourceType, Keys: f.TagKeys})
	}
	tags, err := specifiedTags(in.TagSpecifications)
	for _, t := range tags {
		p.Tags = append(p.Tags, flowlog.Tag(t))
	}
	return p, err
}

// specifiedTags returns the tags that a new flow log is to have.
func specifiedTags(specs []ec2.TagSpecification) ([]ec2.Tag, error) {
	var tags []ec2.Tag
	for i, s := range specs {
		switch {
		case s.ResourceType == "":
			return nil, ec2.TagTypeMissing.With()
		case s.ResourceType != typeFlowLog:
			return nil, ec2.TagTypeWrong.With(s.ResourceType)
		case i > 0:
			return nil, ec2.TagTypeGivenTwice.With()
		}
		tags = s.Tags
	}
	if err := checkTags(tags); err != nil {
		return nil, err
	}
	if len(tags) > maxTags {
		return nil, ec2.TagLimitExceeded.With()
	}
	return tags, nil
}

// free reports why a flow log cannot be made: what it is to watch is not there, or
// has one like it already that is not of the plan. Then none is made.
func (a *API) free(ctx context.Context, wanted []flowlog.Params, p *plan) error {
	index := a.cfg.Model()
	for i := range wanted {
		if err := exists(index, &wanted[i]); err != nil {
			return err
		}
	}
	for i := range wanted {
		own := ""
		if p != nil {
			own = p.IDs[wanted[i].ResourceID]
		}
		err := a.cfg.Logs.Conflict(ctx, &wanted[i], own)
		if err != nil && !ec2.FlowLogsLimit.Is(err) { // of the limit each resource is told
			return err
		}
	}
	return nil
}

// exists reports that a resource does not.
func exists(index *vpc.Index, p *flowlog.Params) error {
	there, kind := false, (*ec2.Kind)(nil)
	switch id := p.ResourceID; p.ResourceType {
	case flowlog.VPC:
		there, kind = index.VPC(id) != nil, ec2.VPCNotFound
	case flowlog.Subnet:
		there, kind = index.Subnet(id) != nil, ec2.SubnetNotFound
	case flowlog.NetworkInterface:
		there, kind = index.ByID(id) != nil, ec2.NetworkInterfaceNotFound
	case flowlog.TransitGateway:
		kind = ec2.TransitGatewayNotFound
	case flowlog.TransitGatewayAttachment:
		kind = ec2.TransitGatewayAttachmentNotFound
	case flowlog.RegionalNATGateway:
		kind = ec2.NATGatewayNotFound
	}
	if there {
		return nil
	}
	return kind.With(p.ResourceID)
}

// create makes what has been checked.
func (a *API) create(ctx context.Context, in *ec2.CreateFlowLogs, wanted []flowlog.Params, p *plan) (*ec2.CreateFlowLogsAnswer, error) {
	if p == nil {
		p = newPlan(in, wanted, a.cfg.Now())
		if err := a.store(ctx, p, in.ClientToken); err != nil {
			return nil, err
		}
	}
	answer, complete := new(made), true
	for i := range wanted {
		f := flowlog.FlowLog{ID: p.IDs[wanted[i].ResourceID], Account: a.cfg.Account, Region: a.cfg.Region, Created: a.cfg.Now().UTC(), Params: wanted[i]}
		err, e := a.createOne(ctx, &f), (*ec2.Error)(nil)
		switch {
		case err == nil:
			answer.FlowLogIDs = append(answer.FlowLogIDs, f.ID)
		case errors.As(err, &e):
			answer.Unsuccessful = append(answer.Unsuccessful, unsuccessful(f.ResourceID, e))
		default:
			a.cfg.Logger.Error("flow log could not be created", "flowlog", f.ID, "resource", f.ResourceID, "err", err)
			answer.Unsuccessful = append(answer.Unsuccessful, unsuccessful(f.ResourceID, ec2.InternalError.With()))
			complete = false
		}
	}
	if !complete {
		return answer.answer(in.ClientToken), nil // with the token the rest can still be made
	}
	p.Answer = answer
	if err := a.store(ctx, p, in.ClientToken); err != nil {
		a.cfg.Logger.Warn("client token was not remembered", "err", err)
	}
	return answer.answer(in.ClientToken), nil
}

// createOne makes a flow log unless that happened when the plan was first tried,
// whatever became of it since.
func (a *API) createOne(ctx context.Context, f *flowlog.FlowLog) error {
	_, err := a.cfg.Logs.Get(ctx, f.ID)
	if ec2.FlowLogNotFound.Is(err) {
		return a.cfg.Logs.Create(ctx, f)
	}
	return err
}

// undeliverable reports why nothing can be delivered, as the answer says it of each
// resource. A log group need not be there: it is made with its first events.
func (a *API) undeliverable(ctx context.Context, p *flowlog.Params) *ec2.Error {
	ctx, cancel := context.WithTimeout(ctx, destinationTimeout)
	defer cancel()
	var name string
	var err error
	switch p.DestinationType {
	case flowlog.S3:
		if name, _, err = flowlog.BucketFolder(p.Destination); err == nil {
			err = a.cfg.Bucket(ctx, name)
		}
	case flowlog.Firehose:
		if name, err = flowlog.StreamName(p.Destination); err == nil {
			err = a.cfg.Stream(ctx, name)
		}
	}
	if e := (*ec2.Error)(nil); err == nil || errors.As(err, &e) {
		return e
	}
	a.cfg.Logger.Warn("destination could not be checked", "destination", name, "err", err)
	return ec2.DestinationUndeliverable.With(name)
}

// A plan is what is remembered of a client token: the parameters that came with it,
// the ids of the flow logs that are made, and the answer once there is one. If the
// process dies in between, the same request goes on where it ended.
type plan struct {
	Until  time.Time         `json:"until"`
	Hash   string            `json:"hash"` // of the parameters
	IDs    map[string]string `json:"ids"`  // of flow logs, by resource
	Answer *made             `json:"answer,omitempty"`
}

// made is what became of a CreateFlowLogs.
type made struct {
	FlowLogIDs   []string           `json:"flowLogIds,omitempty"`
	Unsuccessful []ec2.Unsuccessful `json:"unsuccessful,omitempty"`
}

func (m *made) answer(token string) *ec2.CreateFlowLogsAnswer {
	if token == "" {
		token = newUUID()
	}
	return &ec2.CreateFlowLogsAnswer{ClientToken: token, FlowLogIDs: m.FlowLogIDs, Unsuccessful: m.Unsuccessful}
}

func newPlan(in *ec2.CreateFlowLogs, wanted []flowlog.Params, now time.Time) *plan {
	p := &plan{Until: now.Add(tokenFor), Hash: hashOf(in), IDs: make(map[string]string, len(wanted))}
	for i := range wanted {
		p.IDs[wanted[i].ResourceID] = flowlog.NewID()
	}
	return p
}

// hashOf is the same for requests that ask for the same.
func hashOf(in *ec2.CreateFlowLogs) string {
	same := *in
	same.ClientToken, same.DryRun = "", false
	raw, err := json.Marshal(&same)
	if err != nil {
		panic("BUG: " + err.Error()) // strings and numbers
	}
	sum := sha256.Sum256(raw)
	return hex.EncodeToString(sum[:])
}

func tokenKey(token string) string {
	sum := sha256.Sum256([]byte(token))
	return tokenPrefix + hex.EncodeToString(sum[:])
}

// planned returns what is remembered of the request's client token, nil if nothing
// is.
func (a *API) planned(ctx context.Context, in *ec2.CreateFlowLogs) (*plan, error) {
	if in.ClientToken == "" {
		return nil, nil
	}
	value, _, err := a.cfg.Tokens.Get(ctx, tokenKey(in.ClientToken))
	if errors.Is(err, kv.ErrNotFound) {
		return nil, nil
	}
	p := new(plan)
	if err == nil {
		err = json.Unmarshal(value, p)
	}
	switch {
	case err != nil:
		return nil, fmt.Errorf("awsapi: client token: %w", err)
	case p.Until.Before(a.cfg.Now()):
		return nil, nil
	case p.Hash != hashOf(in):
		return nil, ec2.IdempotencyMismatch.With(in.ClientToken)
	}
	return p, nil
}

func (a *API) store(ctx context.Context, p *plan, token string) error {
	if token == "" {
		return nil
	}
	value, err := json.Marshal(p)
	if err == nil {
		_, err = a.cfg.Tokens.Put(ctx, tokenKey(token), value)
	}
	if err != nil {
		return fmt.Errorf("awsapi: remember a client token: %w", err)
	}
	return nil
}
