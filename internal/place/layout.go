package place

import (
	"strconv"
	"strings"
	"time"
)

// A level is how deep in the layout of flow logs a folder is, named by what the
// folders in it are.
type level int

const (
	above level = iota // outside of AWSLogs
	accountLevel
	serviceLevel
	regionLevel
	yearLevel
	monthLevel
	dayLevel
	hourLevel // of a day: files, or folders of hours
	fileLevel // of an hour
)

// A folder is a place in the layout.
type folder struct {
	level           level
	account, region string
	begin, end      time.Time // of the files below it; zero above a year
	// foreign is set below a folder that has an AWSLogs beside it.
	foreign bool
}

// A verdict says what to do with a folder.
type verdict int

const (
	enter   verdict = iota
	useless         // nothing in it can match
	unknown         // it holds no flow logs
)

// enter returns the folder with the given name in f. It makes the times of all layouts:
// plain and Hive's, by day and by hour, with and without an organization.
func (f folder) enter(name string, s *Selection) (folder, verdict) {
	value := name
	hive := func(keys ...string) bool {
		for _, key := range keys {
			if v, ok := strings.CutPrefix(name, key+"="); ok {
				value = v
				return true
			}
		}
		return false
	}
	in := f
	in.level++
	switch f.level {
	case above:
		if name != "AWSLogs" {
			return f, enter
		}
		return in, enter
	case accountLevel:
		if isOrganization(name) {
			return f, enter
		}
		hive("aws-account-id")
		if !digits(value, 12) {
			return f, unknown
		}
		in.account = value
		return in, useful(among(s.Accounts, value))
	case serviceLevel:
		hive("aws-service", "service")
		if value != "vpcflowlogs" {
			return f, unknown
		}
		return in, enter
	case regionLevel:
		hive("aws-region")
		in.region = value
		return in, useful(among(s.Regions, value))
	}
	width := 2
	switch f.level {
	case yearLevel:
		hive("year")
		width = 4
	case monthLevel:
		hive("month")
	case dayLevel:
		hive("day")
	case hourLevel:
		hive("hour")
	default:
		return f, unknown
	}
	if !digits(value, width) {
		return f, unknown
	}
	n, _ := strconv.Atoi(value)
	switch f.level {
	case yearLevel:
		in.begin = time.Date(n, 1, 1, 0, 0, 0, 0, time.UTC)
		in.end = in.begin.AddDate(1, 0, 0)
	case monthLevel:
		in.begin = f.begin.AddDate(0, n-1, 0)
		in.end = in.begin.AddDate(0, 1, 0)
	case dayLevel:
		in.begin = f.begin.AddDate(0, 0, n-1)
		in.end = in.begin.AddDate(0, 0, 1)
	case hourLevel:
		in.begin = f.begin.Add(time.Duration(n) * time.Hour)
		in.end = in.begin.Add(time.Hour)
	}
	return in, useful(s.overlaps(in.begin, in.end))
}

func useful(is bool) verdict {
	if is {
		return enter
	}
	return useless
}

// settled reports whether nothing more can be decided by names of folders in f.
func (f folder) settled(s *Selection) bool {
	switch {
	case f.level < regionLevel:
		return false
	case f.level == regionLevel:
		return len(s.Regions) == 0 && s.Since.IsZero() && s.Until.IsZero()
	case f.level == yearLevel:
		return s.Since.IsZero() && s.Until.IsZero()
	}
	return s.contains(f.begin, f.end)
}

func digits(s string, n int) bool {
	return len(s) == n && strings.Trim(s, "0123456789") == ""
}

// isOrganization reports whether a folder is that of an organization, which some who
// gather logs put between AWSLogs and the account.
func isOrganization(s string) bool {
	id, ok := strings.CutPrefix(s, "o-")
	return ok && len(id) >= 10 && len(id) <= 32 && strings.Trim(id, "0123456789abcdefghijklmnopqrstuvwxyz") == ""
}
