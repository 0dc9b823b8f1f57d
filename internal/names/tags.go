package names

import (
	"net/url"

	"weir/internal/rows"
	"weir/record"
)

// Tags reads names that records have in them: what the row's own interface, or what is
// behind it, is called there. It belongs to one goroutine.
//
// Of several fields of a row the first that is not absent counts: interface-tag,
// interface-tag-2, instance-tag, instance-tag-2, ecs-service-name, asg-tag, asg-tag-2.
// They tell nothing of the other end of the flow.
type Tags struct {
	bound record.Format
	ready bool
	cols  []int
	cache map[string]string
}

// tagFields are the fields with names, the nearest to the interface first.
var tagFields = [...]record.Field{
	record.InterfaceTag, record.InterfaceTag2, record.InstanceTag, record.InstanceTag2, record.ECSServiceName,
	record.ASGTag, record.ASGTag2,
}

// TagColumns returns the fields that [Tags] reads.
func TagColumns() []record.Field { return append([]record.Field(nil), tagFields[:]...) }

// maxCache is how many names are kept decoded.
const maxCache = 4096

// Name returns the name of a row's own interface at the time of the record.
func (t *Tags) Name(b *rows.Batch, row int) (name string, ok bool) {
	if !t.ready || !t.bound.Equal(b.Format) {
		t.ready, t.bound, t.cols = true, b.Format, t.cols[:0]
		for _, f := range tagFields {
			if i := b.Format.Index(f); i >= 0 {
				t.cols = append(t.cols, i)
			}
		}
	}
	for _, i := range t.cols {
		v := b.Columns[i].Bytes(row, nil)
		if rows.Absent(v) || len(v) == 0 {
			continue
		}
		if name, ok = t.cache[string(v)]; ok {
			return name, true
		}
		if name = decode(string(v)); name == "" {
			continue
		}
		if t.cache == nil || len(t.cache) >= maxCache {
			t.cache = map[string]string{}
		}
		t.cache[string(v)] = name
		return name, true
	}
	return "", false
}

// decode turns %20 back into the space that a tag has.
func decode(s string) string {
	if plain, err := url.PathUnescape(s); err == nil {
		s = plain
	}
	return clean(s)
}
