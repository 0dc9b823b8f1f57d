package record

import "strings"

// A Field names one field of a flow log record. The constants below are in the
// order Amazon lists them, by version; their numbers may change between
// releases of Weir and are not for storing.
type Field uint8

// None is no field. [Format.Fields] gives it for a column whose name is not
// one of ours; see [Format.Name] and [Record.Extension].
const None Field = 0

// Fields of VPC flow logs. What each one means is in the table behind
// [Field.Doc] and in docs/formats/flow-record.md.
const (
	// Version 2.
	Version Field = iota + 1
	AccountID
	InterfaceID
	SrcAddr
	DstAddr
	SrcPort
	DstPort
	Protocol
	Packets
	Bytes
	Start
	End
	Action
	LogStatus

	// Version 3.
	VPCID
	SubnetID
	InstanceID
	TCPFlags
	Type
	PktSrcAddr
	PktDstAddr

	// Version 4.
	Region
	AZID
	SublocationType
	SublocationID

	// Version 5.
	PktSrcAWSService
	PktDstAWSService
	FlowDirection
	TrafficPath

	// Version 7.
	ECSClusterARN
	ECSClusterName
	ECSContainerInstanceARN
	ECSContainerInstanceID
	ECSContainerID
	ECSSecondContainerID
	ECSServiceName
	ECSTaskDefinitionARN
	ECSTaskARN
	ECSTaskID

	// Version 8.
	RejectReason

	// Version 9.
	ResourceID

	// Version 10.
	EncryptionStatus

	// Version 11.
	InstanceTag
	InstanceTag2
	InterfaceTag
	InterfaceTag2
	ASGTag
	ASGTag2
	InterfaceType
	NextHopInterfaceID
	NextHopSubnetID
	NextHopAZID
	NextHopVPCID
	NextHopInterfaceType

	// Version 6: transit gateway flow logs only.
	ResourceType
	TGWID
	TGWAttachmentID
	TGWSrcVPCAccountID
	TGWDstVPCAccountID
	TGWSrcVPCID
	TGWDstVPCID
	TGWSrcSubnetID
	TGWDstSubnetID
	TGWSrcENI
	TGWDstENI
	TGWSrcAZID
	TGWDstAZID
	TGWPairAttachmentID
	PacketsLostNoRoute
	PacketsLostBlackhole
	PacketsLostMTUExceeded
	PacketsLostTTLExpired

	numFields // one more than the last field
)

// A ColumnType is the type a field has in a Parquet flow log file.
type ColumnType uint8

const (
	String ColumnType = iota // UTF-8 text
	Int32
	Int64
)

// String returns the name Amazon's documentation uses: "STRING", "INT_32" or
// "INT_64".
func (t ColumnType) String() string {
	switch t {
	case Int32:
		return "INT_32"
	case Int64:
		return "INT_64"
	}
	return "STRING"
}

// known reports whether f is one of the constants other than None.
func (f Field) known() bool { return f > None && f < numFields }

// info returns the table's row of f, an empty one if f is not a field.
func (f Field) info() *info {
	if !f.known() {
		f = None
	}
	return &table[f]
}

// Name returns the name in a format string, such as "account-id"; "" for None.
func (f Field) Name() string { return f.info().name }

// String returns [Field.Name].
func (f Field) String() string { return f.Name() }

// Column returns the name of the Parquet column, such as "account_id".
func (f Field) Column() string { return strings.ReplaceAll(f.Name(), "-", "_") }

// Type returns the type of the Parquet column. Fields of type Int32 and Int64
// are the ones that [Record.Int] gives; addresses are String.
func (f Field) Type() ColumnType { return f.info().typ }

// Nullable reports whether the field can be absent: "-" in text, null in
// Parquet.
func (f Field) Nullable() bool { return f.info().dash != never }

// Version returns the record version that introduced f: 2 to 11, where 6 marks
// the fields that only transit gateway flow logs have.
func (f Field) Version() int { return int(f.info().version) }

// Max returns the largest value of an integer field, 0 for other fields. The
// smallest is 0.
func (f Field) Max() int64 { return int64(f.info().max) }

// IsAddr reports whether f holds an IP address.
func (f Field) IsAddr() bool { return f.info().kind == kindAddr }

// Doc returns what the field means, one or more sentences.
func (f Field) Doc() string { return f.info().doc }

// AbsentWhen returns when the field is "-"; "never" if it cannot be.
func (f Field) AbsentWhen() string { return f.info().dash }

// Values returns the values that Amazon documents for f, nil where there is no
// list. Only action, log-status and flow-direction are refused when they hold
// something else: Amazon extends the other lists.
func (f Field) Values() []string { return append([]string(nil), f.info().values...) }

// InVPC reports whether flow logs of VPCs, subnets and interfaces can hold f.
func (f Field) InVPC() bool { return f.known() && f.info().scope&scopeVPC != 0 }

// InTransitGateway reports whether transit gateway flow logs can hold f.
func (f Field) InTransitGateway() bool { return f.known() && f.info().scope&scopeTGW != 0 }

// AllFields returns every field: those of VPC flow logs in Amazon's order, then
// those that only transit gateway flow logs have.
func AllFields() []Field {
	fs := make([]Field, 0, numFields-1)
	for f := Version; f < numFields; f++ {
		fs = append(fs, f)
	}
	return fs
}

// FieldByName returns the field with exactly this name, such as "account-id".
func FieldByName(name string) (Field, bool) {
	f, ok := looseNames[looseKey(name)]
	return f, ok && f.Name() == name
}
