package api

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"math"
	"slices"
	"sync"
	"time"

	"weir/internal/cloudwatch"
	"weir/internal/logs"
	"weir/internal/logs/insights"
)

// Bounds of queries, "CloudWatch Logs quotas"; how many are kept is ours.
const (
	maxRunning   = 30
	maxGroups    = 50
	queryTime    = time.Hour
	keptQueries  = 1000
	keptBytes    = 128 << 20   // of results
	milliseconds = int64(1e11) // from there on a time is one in milliseconds
)

// States of a query.
const (
	running   = "Running"
	complete  = "Complete"
	failed    = "Failed"
	cancelled = "Cancelled"
	timedOut  = "Timeout"
)

// queries are those that run, and the last ones that did.
type queries struct {
	mu   sync.Mutex
	all  []*query // from the oldest to the newest
	last int64    // number of the newest
}

// A query is one on its way, or its result.
type query struct {
	id     string
	number int64
	text   string
	groups []string
	from   int64 // milliseconds since 1970
	to     int64 // exclusive
	begun  time.Time
	run    *insights.Run
	stop   context.CancelFunc

	// Behind queries.mu:
	state  string
	ended  time.Time
	result insights.Result // once it has ended
	bytes  int             // of it

	partial partial
}

// A partial is the result of a query that runs, as it was a moment ago: putting a million
// groups in order takes longer than clients wait before they ask again.
type partial struct {
	mu     sync.Mutex
	result insights.Result
	until  time.Time // from then on it is too old
}

// partialRest is how many times as long as it took to make a partial result stands.
const partialRest = 20

// of returns the result of a run so far, or what it was a moment ago.
func (p *partial) of(run *insights.Run) insights.Result {
	p.mu.Lock()
	defer p.mu.Unlock()
	if begun := time.Now(); begun.After(p.until) {
		p.result = run.Result()
		p.until = time.Now().Add(max(500*time.Millisecond, partialRest*time.Since(begun)))
	}
	return p.result
}

func (s *Service) startQuery(ctx context.Context, in *cloudwatch.StartQuery) (*cloudwatch.StartQueryAnswer, error) {
	if in.QueryLanguage != "" && in.QueryLanguage != "CWLI" {
		return nil, cloudwatch.NotThatLanguage
	}
	groups, err := s.queried(ctx, in)
	if err != nil {
		return nil, err
	}
	if *in.StartTime > *in.EndTime {
		return nil, cloudwatch.StartAfterEnd
	}
	parsed, err := insights.Parse(in.QueryString)
	if err != nil {
		return nil, malformed(err)
	}
	limit := 0
	if in.Limit != nil {
		limit = *in.Limit
	}
	q := &query{
		id: newID(), text: in.QueryString, groups: groups, begun: s.cfg.Now(), state: running,
		from: moment(*in.StartTime, 0), to: moment(*in.EndTime, 1),
	}
	q.run = parsed.NewRun(insights.Options{Discover: s.cfg.Fields, Account: s.cfg.Account, Limit: limit, Now: q.begun})
	ctx, q.stop = context.WithTimeout(s.over, queryTime)
	if err := s.asking.add(q); err != nil {
		q.stop()
		return nil, err
	}
	s.lasts.Go(func() { s.ask(ctx, q) })
	return &cloudwatch.StartQueryAnswer{QueryID: q.id}, nil
}

// queried returns the groups that a query is about.
func (s *Service) queried(ctx context.Context, in *cloudwatch.StartQuery) ([]string, error) {
	var names []string
	lists := 0
	if in.LogGroupName != "" {
		names, lists = []string{in.LogGroupName}, lists+1
	}
	if len(in.LogGroupNames) > 0 {
		names, lists = in.LogGroupNames, lists+1
	}
	if len(in.LogGroupIdentifiers) > 0 {
		names, lists = in.LogGroupIdentifiers, lists+1
	}
	switch {
	case lists == 0:
		return nil, cloudwatch.NoGroups
	case lists > 1:
		return nil, cloudwatch.ManyGroupLists
	case len(names) > maxGroups:
		return nil, cloudwatch.TooManyGroups
	}
	var groups []string
	for _, name := range names {
		group, err := s.identified(name)
		if err != nil {
			return nil, err
		}
		if _, err := s.cfg.Store.Group(ctx, group); err != nil {
			return nil, err
		}
		if !slices.Contains(groups, group) {
			groups = append(groups, group)
		}
	}
	return groups, nil
}

// malformed is the error for a query that can't be read.
func malformed(err error) error {
	e := cloudwatch.Malformed(err.Error())
	if x := (*insights.SyntaxError)(nil); errors.As(err, &x) {
		e.Compile = &cloudwatch.CompileError{Message: x.Error()}
		e.Compile.Location.StartCharOffset, e.Compile.Location.EndCharOffset = x.Start, x.End
	}
	return e
}

// moment returns a time of a query, in seconds or else in milliseconds, in milliseconds; with
// 1 the end of its second or millisecond.
func moment(t, end int64) int64 {
	if t >= milliseconds {
		return min(t, math.MaxInt64-end) + end
	}
	return (t + end) * 1000
}

// ask runs a query.
func (s *Service) ask(ctx context.Context, q *query) {
	defer q.stop()
	err := s.askAll(ctx, q)
	state := complete
	switch {
	case err == nil:
	case errors.Is(ctx.Err(), context.DeadlineExceeded):
		state = timedOut
	case ctx.Err() != nil:
		state = cancelled
	default:
		state = failed
		s.cfg.Logger.Warn("a query of logs failed", "query", q.id, "err", err)
	}
	s.asking.end(q, state, s.cfg.Now())
}

func (s *Service) askAll(ctx context.Context, q *query) error {
	for _, group := range q.groups {
		for e, err := range s.cfg.Store.Read(ctx, logs.Query{Group: group, From: q.from, To: q.to}) {
			if err == nil {
				err = ctx.Err()
			}
			if err != nil {
				return err
			}
			q.run.Add(group, &e)
			if err := q.run.Err(); err != nil {
				return err
			}
		}
	}
	return nil
}

// add adds a query if there are not too many.
func (s *queries) add(q *query) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	n := 0
	for _, other := range s.all {
		if other.state == running {
			n++
		}
	}
	if n >= maxRunning {
		return cloudwatch.TooManyQueries
	}
	s.last++
	q.number = s.last
	s.all = append(s.all, q)
	s.forget()
	return nil
}

// end keeps the result of a query. One that was stopped stays so.
func (s *queries) end(q *query, state string, now time.Time) {
	var result insights.Result
	if state != failed { // what is too large once need not be so twice
		result = q.run.Result()
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if q.state == running {
		q.state = state
	}
	q.result, q.ended, q.run = result, now, nil
	for _, row := range result.Rows {
		for _, cell := range row {
			q.bytes += len(cell.Field) + len(cell.Value)
		}
	}
	s.forget()
}

// forget drops the oldest results while there are too many. It keeps the newest.
func (s *queries) forget() {
	bytes := 0
	for _, q := range s.all {
		bytes += q.bytes
	}
	for i := 0; i < len(s.all)-1 && (len(s.all) > keptQueries || bytes > keptBytes); {
		if q := s.all[i]; q.run == nil {
			bytes -= q.bytes
			s.all = slices.Delete(s.all, i, i+1)
			continue
		}
		i++
	}
}

// find returns a query; the lock must be held.
func (s *queries) find(id string) (*query, error) {
	for _, q := range s.all {
		if q.id == id {
			return q, nil
		}
	}
	return nil, cloudwatch.NoSuchQuery
}

func (s *Service) getQueryResults(_ context.Context, in *cloudwatch.GetQueryResults) (*cloudwatch.GetQueryResultsAnswer, error) {
	s.asking.mu.Lock()
	q, err := s.asking.find(in.QueryID)
	if err != nil {
		s.asking.mu.Unlock()
		return nil, err
	}
	state, result, run := q.state, q.result, q.run
	s.asking.mu.Unlock()
	if run != nil {
		result = q.partial.of(run)
	}
	rows, token, err := pageOfRows(result.Rows, in)
	if err != nil {
		return nil, err
	}
	out := &cloudwatch.GetQueryResultsAnswer{
		QueryLanguage: "CWLI", Results: make([][]cloudwatch.ResultField, len(rows)), Status: state, NextToken: token,
		Statistics: cloudwatch.QueryStatistics{
			RecordsMatched: float64(result.Statistics.RecordsMatched), RecordsScanned: float64(result.Statistics.RecordsScanned),
			BytesScanned: float64(result.Statistics.BytesScanned), LogGroupsScanned: float64(len(q.groups)),
		},
	}
	for i, row := range rows {
		out.Results[i] = make([]cloudwatch.ResultField, len(row))
		for j, cell := range row {
			out.Results[i][j] = cloudwatch.ResultField(cell)
		}
	}
	return out, nil
}

// pageOfRows returns the rows that a request asks for, and the token of the next.
func pageOfRows(rows [][]insights.Cell, in *cloudwatch.GetQueryResults) ([][]insights.Cell, string, error) {
	from := 0
	if in.NextToken != "" {
		var ok bool
		if from, ok = readToken[int](in.QueryID, in.NextToken); !ok || from < 0 {
			return nil, "", cloudwatch.InvalidToken
		}
	}
	rows = rows[min(from, len(rows)):]
	if in.MaxItems == nil || *in.MaxItems == 0 || *in.MaxItems >= len(rows) {
		return rows, "", nil
	}
	return rows[:*in.MaxItems], makeToken(in.QueryID, from+*in.MaxItems), nil
}

func (s *Service) stopQuery(_ context.Context, in *cloudwatch.StopQuery) (*cloudwatch.StopQueryAnswer, error) {
	s.asking.mu.Lock()
	defer s.asking.mu.Unlock()
	q, err := s.asking.find(in.QueryID)
	if err != nil {
		return nil, err
	}
	if q.state != running {
		return nil, cloudwatch.QueryIsOver
	}
	q.state = cancelled
	q.stop()
	return &cloudwatch.StopQueryAnswer{Success: true}, nil
}

func (s *Service) describeQueries(_ context.Context, in *cloudwatch.DescribeQueries) (*cloudwatch.DescribeQueriesAnswer, error) {
	s.asking.mu.Lock()
	defer s.asking.mu.Unlock()
	var found []*query
	for _, q := range slices.Backward(s.asking.all) {
		if (in.Status == "" || in.Status == q.state) && (in.LogGroupName == "" || slices.Contains(q.groups, in.LogGroupName)) &&
			(in.QueryLanguage == "" || in.QueryLanguage == "CWLI") {
			found = append(found, q)
		}
	}
	page, token, err := pageOf(found, "queries", in.NextToken, in.MaxResults, 1000,
		func(q **query) int64 { return (*q).number }, func(q **query, last int64) bool { return (*q).number < last })
	if err != nil {
		return nil, err
	}
	out := &cloudwatch.DescribeQueriesAnswer{Queries: make([]cloudwatch.QueryInfo, len(page)), NextToken: token}
	for i, q := range page {
		ended, stats := q.ended, q.result.Statistics
		if q.run != nil {
			ended = s.cfg.Now()
		}
		out.Queries[i] = cloudwatch.QueryInfo{
			QueryLanguage: "CWLI", QueryID: q.id, QueryString: q.text, Status: q.state, CreateTime: q.begun.UnixMilli(),
			LogGroupName: q.groups[0], QueryDuration: ended.Sub(q.begun).Milliseconds(), BytesScanned: float64(stats.BytesScanned),
		}
	}
	return out, nil
}

// getLogRecord answers with an event that a query has shown.
func (s *Service) getLogRecord(ctx context.Context, in *cloudwatch.GetLogRecord) (*cloudwatch.GetLogRecordAnswer, error) {
	p, err := insights.ParsePointer(in.LogRecordPointer)
	if err != nil {
		return nil, cloudwatch.Invalid("The specified log record pointer is invalid.")
	}
	if err := s.mustHave(ctx, p.Group, []string{p.Stream}); err != nil {
		return nil, err
	}
	from := before(p.Position)
	for e, err := range s.cfg.Store.Read(ctx, logs.Query{Group: p.Group, Streams: []string{p.Stream}, After: &from}) {
		if err != nil {
			return nil, err
		}
		if e.Position != p.Position {
			break
		}
		return &cloudwatch.GetLogRecordAnswer{LogRecord: map[string]string{
			"@ptr": in.LogRecordPointer, "@message": e.Message, "@logStream": e.Stream, "@log": s.cfg.Account + ":" + p.Group,
			"@timestamp": fmt.Sprint(e.Time), "@ingestionTime": fmt.Sprint(e.Ingested),
		}}, nil
	}
	return nil, cloudwatch.NoSuchRecord
}

func newID() string {
	var b [16]byte
	rand.Read(b[:]) // never fails
	b[6], b[8] = b[6]&0x0f|0x40, b[8]&0x3f|0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:])
}
