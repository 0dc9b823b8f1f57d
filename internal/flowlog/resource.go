package flowlog

import "strings"

// ResourceTypeOf returns the type of the resource that has an id, and false if flow
// logs know none that has such ids.
func ResourceTypeOf(id string) (t ResourceType, ok bool) {
	longest := ""
	for resource, prefix := range idPrefixes {
		if strings.HasPrefix(id, prefix) && len(id) > len(prefix) && len(prefix) > len(longest) {
			t, longest = resource, prefix
		}
	}
	return t, longest != ""
}
