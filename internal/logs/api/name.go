package api

import (
	"strings"

	"weir/internal/cloudwatch"
)

// arn returns the ARN of a group.
func (s *Service) arn(group string) string {
	return "arn:" + s.partition() + ":logs:" + s.cfg.Region + ":" + s.cfg.Account + ":log-group:" + group
}

func (s *Service) partition() string {
	switch {
	case strings.HasPrefix(s.cfg.Region, "cn-"):
		return "aws-cn"
	case strings.HasPrefix(s.cfg.Region, "us-gov-"):
		return "aws-us-gov"
	}
	return "aws"
}

// ofARN returns the name of the group that an ARN names, with or without ":*" at its end.
// An ARN of another account or region names no group.
func (s *Service) ofARN(arn string) (string, bool) {
	name, ok := strings.CutPrefix(arn, s.arn(""))
	name = strings.TrimSuffix(name, ":*")
	return name, ok && name != "" && !strings.Contains(name, ":")
}

// identified returns the name of the group that an identifier, a name or an ARN, means.
func (s *Service) identified(identifier string) (string, error) {
	if !strings.HasPrefix(identifier, "arn:") {
		return identifier, nil
	}
	name, ok := s.ofARN(identifier)
	if !ok {
		return "", cloudwatch.NoSuchGroup
	}
	return name, nil
}

// group returns the name of a group that a request says by its name or by its identifier.
func (s *Service) group(name, identifier string) (string, error) {
	switch {
	case name != "" && identifier != "":
		return "", cloudwatch.NameAndARN
	case name != "":
		return name, nil
	case identifier != "":
		return s.identified(identifier)
	}
	return "", cloudwatch.NoNameNoARN
}
