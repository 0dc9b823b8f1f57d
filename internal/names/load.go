package names

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"time"
)

// maxFile is how long a file may be: descriptions of a hundred thousand interfaces.
const maxFile = 512 << 20

// errNothing is a file in which no names were looked for.
var errNothing = errors.New("it is nothing that has names: no list, no ip-ranges.json, and nothing that describe-network-interfaces, " +
	"describe-instances, describe-subnets, describe-vpcs, describe-nat-gateways or describe-addresses print")

// Load reads files, and those in directories whose names end in .json or .csv, into a
// book. An error names file, line and field. Files in directories that describe other
// things are skipped; that there is nothing at all in a path is an error.
func Load(paths []string) (*Book, error) {
	l := loader{book: newBook(), instances: map[string]string{}}
	for _, path := range paths {
		info, err := os.Stat(path)
		if err != nil {
			return nil, err
		}
		if !info.IsDir() {
			if err := l.file(path, info); err != nil {
				return nil, err
			}
			continue
		}
		found := false
		err = filepath.WalkDir(path, func(name string, d fs.DirEntry, err error) error {
			if ext := strings.ToLower(filepath.Ext(name)); err != nil || d.IsDir() || ext != ".json" && ext != ".csv" {
				return err
			}
			info, err := os.Stat(name)
			if err != nil {
				return err
			}
			if err = l.file(name, info); errors.Is(err, errNothing) {
				return nil
			}
			found = found || err == nil
			return err
		})
		if err == nil && !found {
			err = fmt.Errorf("read %s: no .json or .csv file in it has names", path)
		}
		if err != nil {
			return nil, err
		}
	}
	l.finish()
	return l.book, nil
}

func (l *loader) file(path string, info fs.FileInfo) error {
	if info.Size() > maxFile {
		return fmt.Errorf("read %s: it has %d bytes, more than the %d that a file of names may have: split it", path, info.Size(), maxFile)
	}
	data, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	if err := l.read(data, asOf(path, info.ModTime())); err != nil {
		return fmt.Errorf("read %s: %w", path, err)
	}
	return nil
}

// read reads the contents of a file, which say how things were at a time.
func (l *loader) read(data []byte, seen time.Time) error {
	data = bytes.TrimPrefix(data, []byte("\ufeff"))
	if start := bytes.TrimLeft(data, " \t\r\n"); len(start) > 0 && start[0] == '{' {
		return l.json(data, max(seen.Unix(), 1))
	}
	return l.csv(data)
}

// stamp is a date, or a date and a time of day, in a file's name: 2026-11-24,
// 20261124T1015Z, 2026-11-24T10:15:00Z.
var stamp = regexp.MustCompile(`(?:^|[^0-9])(20\d\d)-?(\d\d)-?(\d\d)(?:[T_-](\d\d)[:-]?(\d\d)(?:[:-]?(\d\d))?Z?)?(?:[^0-9]|$)`)

// asOf returns the time that a file tells of: the one in its name, in UTC, else when
// it was last changed.
func asOf(path string, changed time.Time) time.Time {
	m := stamp.FindStringSubmatch(filepath.Base(path))
	if m == nil {
		return changed
	}
	for i := range m {
		if m[i] == "" {
			m[i] = "00"
		}
	}
	t, err := time.Parse("20060102150405", strings.Join(m[1:], ""))
	if err != nil {
		return changed
	}
	return t
}
