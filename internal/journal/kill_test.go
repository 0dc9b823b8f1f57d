package journal
const childEnv = "WEIR_JOURNAL_CHILD"
func child() {}
