package recordfile

// What tests have to know.
const (
	PageRecords   = pageRecords
	GroupRecords  = groupRecords
	BatchRecords  = batchRecords
	GroupBytes    = groupBytes
	MaxBound      = maxBound
	MaxLine       = maxLine
	TextSuffix    = textSuffix
	ParquetSuffix = parquetSuffix
	Slack         = slack
)
