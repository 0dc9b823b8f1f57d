package names

import (
	"bytes"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"regexp"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// id is what an id of Amazon's looks like.
var id = regexp.MustCompile(`^[a-z]+(-[a-z]+)*-[0-9a-f]{4,32}$`)

// fields are the columns of a list.
var fields = [...]string{"name", "address", "from", "until"}

// csv reads a list of names: name, address or network or id, and the times from which
// and until which it has the name, which may be left out.
func (l *loader) csv(data []byte) error {
	r := csv.NewReader(bytes.NewReader(data))
	r.FieldsPerRecord, r.Comment, r.TrimLeadingSpace, r.ReuseRecord = -1, '#', true, true
	for n := 0; ; n++ {
		row, err := r.Read()
		if err == io.EOF {
			if n == 0 {
				return errNothing
			}
			return nil
		}
		if err != nil {
			if p := new(csv.ParseError); errors.As(err, &p) {
				return fmt.Errorf("line %d: %w", p.Line, p.Err)
			}
			return err
		}
		line, _ := r.FieldPos(0)
		for i := range row {
			row[i] = strings.TrimSpace(row[i])
		}
		if n == 0 && strings.EqualFold(row[0], fields[0]) && len(row) > 1 && !isThing(row[1]) {
			continue // a header
		}
		if err := l.row(row); err != nil {
			return fmt.Errorf("line %d: %w", line, err)
		}
	}
}

// isThing reports whether a text can be what has a name.
func isThing(s string) bool {
	_, noAddr := netip.ParseAddr(s)
	_, noPrefix := netip.ParsePrefix(s)
	return noAddr == nil || noPrefix == nil || id.MatchString(s)
}

func (l *loader) row(row []string) error {
	if len(row) < 2 || len(row) > len(fields) {
		return fmt.Errorf("it has %d fields instead of %d to %d: %s", len(row), 2, len(fields), strings.Join(fields[:], ","))
	}
	e := entry{name: row[0], from: always, until: ever}
	if err := checkName(e.name); err != nil {
		return fmt.Errorf("name %.40q: %w", e.name, err)
	}
	for i, to := range []*int64{&e.from, &e.until} {
		if len(row) <= 2+i || row[2+i] == "" {
			continue
		}
		t, err := parseTime(row[2+i])
		if err != nil {
			return fmt.Errorf("%s %.40q: %w", fields[2+i], row[2+i], err)
		}
		*to = t
	}
	if e.from >= e.until {
		return fmt.Errorf("until %q: it is not after %q", row[3], row[2])
	}
	// Of two of the user's own the later line counts: it stands first.
	if a, err := netip.ParseAddr(row[1]); err == nil {
		if a.Zone() != "" {
			return fmt.Errorf("address %.60q: it has a zone: leave out %%%.20s", row[1], a.Zone())
		}
		a = a.Unmap()
		l.book.addrs[a] = append([]entry{e}, l.book.addrs[a]...)
		return nil
	}
	if p, err := netip.ParsePrefix(row[1]); err == nil {
		if p != p.Masked() {
			return fmt.Errorf("address %q: the network is %v", row[1], p.Masked())
		}
		if p.Addr().Is4In6() {
			return fmt.Errorf("address %q: it is IPv4 as IPv6: write it as 10.0.0.0/16 is written", row[1])
		}
		if p.IsSingleIP() {
			l.book.addrs[p.Addr()] = append([]entry{e}, l.book.addrs[p.Addr()]...)
			return nil
		}
		list, _ := l.book.networks.Get(p)
		l.book.networks.Insert(p, append([]entry{e}, list...))
		return nil
	}
	if id.MatchString(row[1]) {
		l.book.ids[row[1]] = append([]entry{e}, l.book.ids[row[1]]...)
		return nil
	}
	return fmt.Errorf("address %.60q: it is no address, no network such as 10.0.0.0/16, and no id such as eni-0a1b2c3d4e5f67890", row[1])
}

// checkName says what is wrong with a name of the user's own.
func checkName(s string) error {
	switch {
	case s == "":
		return errors.New("it is empty")
	case len(s) > 255:
		return errors.New("it is longer than 255 bytes")
	case !utf8.ValidString(s):
		return errors.New("it is not UTF-8")
	case strings.IndexFunc(s, func(r rune) bool { return !unicode.IsPrint(r) }) >= 0:
		return errors.New("it has characters that cannot be printed")
	}
	return nil
}

// clean makes a name of somebody else's printable.
func clean(s string) string {
	s = strings.Map(func(r rune) rune {
		if r == utf8.RuneError || !unicode.IsPrint(r) {
			return -1
		}
		return r
	}, s)
	return strings.TrimSpace(s)
}

// parseTime reads a time: RFC 3339, a date, which begins at midnight UTC, or Unix
// seconds.
func parseTime(s string) (int64, error) {
	for _, layout := range []string{time.RFC3339, time.DateOnly} {
		if t, err := time.Parse(layout, s); err == nil {
			return t.Unix(), nil
		}
	}
	if n, err := strconv.ParseInt(s, 10, 64); err == nil && n >= 0 && n < 1<<40 {
		return n, nil
	}
	return 0, errors.New("it is no time such as 2026-11-24 or 2026-11-24T10:15:00Z")
}
