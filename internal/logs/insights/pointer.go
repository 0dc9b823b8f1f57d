package insights

import (
	"encoding/base64"
	"encoding/binary"
	"errors"

	"weir/internal/logs"
)

// A Pointer is what @ptr says: where an event is.
type Pointer struct {
	Group, Stream string
	logs.Position
}

// String returns the value of @ptr.
func (p Pointer) String() string {
	var b []byte
	b = binary.AppendUvarint(b, uint64(len(p.Group)))
	b = append(b, p.Group...)
	b = binary.AppendUvarint(b, uint64(len(p.Stream)))
	b = append(b, p.Stream...)
	b = binary.AppendVarint(b, p.Time)
	b = binary.AppendUvarint(b, p.Seq)
	b = binary.AppendUvarint(b, uint64(p.Index))
	return base64.StdEncoding.EncodeToString(b)
}

// ParsePointer reads a value of @ptr.
func ParsePointer(s string) (p Pointer, err error) {
	b, err := base64.StdEncoding.DecodeString(s)
	bad := err != nil
	text := func() string {
		n, used := binary.Uvarint(b)
		if bad = bad || used <= 0 || n > uint64(len(b)-used); bad {
			return ""
		}
		t := string(b[used : used+int(n)])
		b = b[used+int(n):]
		return t
	}
	p.Group, p.Stream = text(), text()
	var used [3]int
	if !bad {
		p.Time, used[0] = binary.Varint(b)
		p.Seq, used[1] = binary.Uvarint(b[max(used[0], 0):])
		var index uint64
		index, used[2] = binary.Uvarint(b[max(used[0], 0)+max(used[1], 0):])
		p.Index = uint32(index)
		bad = min(used[0], used[1], used[2]) <= 0 || used[0]+used[1]+used[2] != len(b) || uint64(p.Index) != index
	}
	if bad {
		return Pointer{}, errors.New("not a value of @ptr")
	}
	return p, nil
}
