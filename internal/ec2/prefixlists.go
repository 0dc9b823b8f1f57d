package ec2

import "encoding/xml"

// DescribeManagedPrefixLists is a request.
type DescribeManagedPrefixLists struct {
	DryRun        bool     `ec2:"DryRun"`
	PrefixListIDs []string `ec2:"PrefixListId"`
	Filters       []Filter `ec2:"Filter"`
	MaxResults    *int     `ec2:"MaxResults"` // 1 to 100
	NextToken     string   `ec2:"NextToken"`
}

// DescribeManagedPrefixListsAnswer is the answer.
type DescribeManagedPrefixListsAnswer struct {
	XMLName xml.Name `xml:"DescribeManagedPrefixListsResponse"`
	Common
	PrefixLists []PrefixList `xml:"prefixListSet>item"`
	NextToken   string       `xml:"nextToken,omitempty"`
}

// PrefixList is a prefix list as it is described.
type PrefixList struct {
	ID   string `xml:"prefixListId" json:"PrefixListId"`
	Name string `xml:"prefixListName" json:"PrefixListName"`

	// CIDRs are there in the answer of DescribePrefixLists only, which is about the
	// lists of Amazon's services. Of others [GetManagedPrefixListEntries] tells.
	CIDRs []string `xml:"cidrSet>item" json:"Cidrs"`
}

// GetManagedPrefixListEntries is a request.
type GetManagedPrefixListEntries struct {
	DryRun       bool   `ec2:"DryRun"`
	PrefixListID string `ec2:"PrefixListId"`
	MaxResults   *int   `ec2:"MaxResults"` // 1 to 100
	NextToken    string `ec2:"NextToken"`
}

// GetManagedPrefixListEntriesAnswer is the answer.
type GetManagedPrefixListEntriesAnswer struct {
	XMLName xml.Name `xml:"GetManagedPrefixListEntriesResponse"`
	Common
	Entries   []PrefixListEntry `xml:"entrySet>item"`
	NextToken string            `xml:"nextToken,omitempty"`
}

// PrefixListEntry is a network in a prefix list.
type PrefixListEntry struct {
	CIDR        string `xml:"cidr" json:"Cidr"`
	Description string `xml:"description,omitempty"`
}
