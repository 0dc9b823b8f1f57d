package capture

// childEnv tells this binary to be a test's child, and with what.
const childEnv = "WEIR_CAPTURE_CHILD"

// pinRoot begins the names of the tests' pin directories.
const pinRoot = "/sys/fs/bpf/weir-test-"

func child(arg string) int { return 0 }
