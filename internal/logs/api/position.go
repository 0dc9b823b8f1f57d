package api

import (
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"math"

	"weir/internal/logs"
)

// first is before every event.
var first = logs.Position{Time: math.MinInt64}

// before returns the position before p, so that p is the next after it.
func before(p logs.Position) logs.Position {
	switch {
	case p.Index > 0:
		p.Index--
	case p.Seq > 0:
		p.Seq, p.Index = p.Seq-1, math.MaxUint32
	case p.Time > math.MinInt64:
		p.Time, p.Seq, p.Index = p.Time-1, math.MaxUint64, math.MaxUint32
	}
	return p
}

// behind returns the position behind p, so that p is the next before it.
func behind(p logs.Position) logs.Position {
	switch {
	case p.Index < math.MaxUint32:
		p.Index++
	case p.Seq < math.MaxUint64:
		p.Seq, p.Index = p.Seq+1, 0
	case p.Time < math.MaxInt64:
		p.Time, p.Seq, p.Index = p.Time+1, 0, 0
	}
	return p
}

// positionBytes is the length of a position in a token.
const positionBytes = 20

// positionToken returns the token that begins with kind and means a place between two events:
// those behind p if it is forward, those before p else.
func positionToken(kind string, p logs.Position) string {
	var b [positionBytes]byte
	binary.BigEndian.PutUint64(b[:], uint64(p.Time))
	binary.BigEndian.PutUint64(b[8:], p.Seq)
	binary.BigEndian.PutUint32(b[16:], p.Index)
	return kind + base64.RawURLEncoding.EncodeToString(b[:])
}

// readPosition reads a token without its kind.
func readPosition(text string) (p logs.Position, ok bool) {
	b, err := base64.RawURLEncoding.Strict().DecodeString(text)
	if err != nil || len(b) != positionBytes {
		return p, false
	}
	return logs.Position{
		Time:  int64(binary.BigEndian.Uint64(b)),
		Seq:   binary.BigEndian.Uint64(b[8:]),
		Index: binary.BigEndian.Uint32(b[16:]),
	}, true
}

// eventID returns the id of an event, which no other of its group has: 56 digits, as
// Amazon's has.
func eventID(p logs.Position) string {
	return fmt.Sprintf("%020d%020d%016d", p.Time, p.Seq, p.Index)
}
