package vpc

import (
	"cmp"
	"encoding/json"
	"io/fs"
	"path"
	"regexp"
	"strconv"
	"strings"
)

// What containers are is read from files that their engines keep, without
// asking the engines. The formats are those of Docker (moby, daemon/container:
// config.v2.json), Podman (containers/storage: containers.json), containerd
// (OCI runtime specification: config.json) and the CNI library (libcni:
// cniCacheV1), read 2026-11-24. Files that are missing or different leave
// something unknown and are no error.

// An owner is what lives in a network namespace: a container, or a pod.
type owner struct {
	Engine string // "docker", "podman", "containerd", "cri-o" or "kubernetes"; empty if unknown
	ID     string // of the container, 64 hexadecimal digits
	Pod    string // UID of the Kubernetes pod; empty if none
	Name   string
	Tags   Tags

	// known says that the engine's files tell all of the owner, not only a
	// process's control group: some are there before others.
	known bool
}

// key is what the owner's ids are made from. A pod keeps its UID when its
// containers are made anew.
func (o *owner) key() string {
	if o.Pod != "" {
		return "pod " + o.Pod
	}
	return o.ID
}

// owners is what the files say.
type owners struct {
	byID    map[string]*owner
	byNetns map[string]*owner // by path of the namespace, under /run
	byPID   map[int]*owner    // by first process, of one that has a namespace of its own without a path
	byInode map[uint64]*owner // by namespace, made of byPID on the machine the files are from
}

// netns returns the owner of the namespace at a path, or nil.
func (o *owners) netns(p string) *owner { return o.byNetns[runPath(p)] }

// process returns the owner of a process, given the text of its cgroup file.
func (o *owners) process(cgroup string) *owner {
	found := ownerOfCgroup(cgroup)
	if found == nil {
		return nil
	}
	if known := o.byID[found.ID]; known != nil {
		merged := *known
		if merged.Pod == "" {
			merged.Pod = found.Pod
		}
		return &merged
	}
	return found
}

// runPath writes /var/run as /run: it is a link.
func runPath(p string) string {
	if rest, ok := strings.CutPrefix(p, "/var/run/"); ok {
		return "/run/" + rest
	}
	return p
}

var (
	containerID = regexp.MustCompile(`(?:^|-)([0-9a-f]{64})(?:\.scope)?$`)
	podUID      = regexp.MustCompile(`pod([0-9a-f]{8}[-_][0-9a-f]{4}[-_][0-9a-f]{4}[-_][0-9a-f]{4}[-_][0-9a-f]{12})`)
)

// ownerOfCgroup finds a container in the text of /proc/PID/cgroup, whichever
// driver made it (cgroupfs: …/docker/ID; systemd: …/docker-ID.scope).
func ownerOfCgroup(text string) *owner {
	for line := range strings.Lines(text) {
		parts := strings.SplitN(strings.TrimSpace(line), ":", 3)
		if len(parts) != 3 {
			continue
		}
		id := ""
		for part := range strings.SplitSeq(parts[2], "/") { // the innermost: a pod of Podman has an id, too
			if m := containerID.FindStringSubmatch(part); m != nil {
				id = m[1]
			}
		}
		if id == "" {
			continue
		}
		o := &owner{ID: id}
		for _, e := range []struct{ mark, engine string }{
			{"libpod", "podman"}, {"crio", "cri-o"}, {"cri-containerd", "containerd"}, {"docker", "docker"}, {"kubepods", "kubernetes"},
		} {
			if strings.Contains(parts[2], e.mark) {
				o.Engine = e.engine
				break
			}
		}
		if p := podUID.FindStringSubmatch(parts[2]); p != nil {
			o.Pod = strings.ReplaceAll(p[1], "_", "-")
		}
		return o
	}
	return nil
}

// readOwners reads what the engines keep under root, which is the file system
// as it begins at "/".
func readOwners(root fs.FS) *owners {
	o := &owners{byID: make(map[string]*owner), byNetns: make(map[string]*owner), byPID: make(map[int]*owner)}
	o.docker(root)
	o.podman(root)
	o.containerd(root)
	o.cni(root)
	return o
}

func (o *owners) add(n *owner, netns string) {
	if n.ID == "" {
		return
	}
	if known := o.byID[n.ID]; known != nil {
		n = known
	}
	o.byID[n.ID] = n
	// A path below /proc is that of a container that shares another's namespace,
	// or of a process that may be another by now.
	if netns != "" && !strings.HasPrefix(netns, "/proc/") {
		o.byNetns[runPath(netns)] = n
	}
}

func readJSON(root fs.FS, name string, into any) bool {
	f, err := root.Open(name)
	if err != nil {
		return false
	}
	defer f.Close()
	if s, err := f.Stat(); err != nil || !s.Mode().IsRegular() || s.Size() > 8<<20 {
		return false
	}
	return json.NewDecoder(f).Decode(into) == nil
}

func (o *owners) docker(root fs.FS) {
	files, _ := fs.Glob(root, "var/lib/docker/containers/*/config.v2.json")
	for _, name := range files {
		var c struct {
			ID     string
			Name   string // "/web"
			Config struct{ Labels map[string]string }
			// Empty for a container that shares another's namespace, and "default"
			// of that directory for one that has the machine's.
			NetworkSettings struct{ SandboxKey string }
		}
		if readJSON(root, name, &c) {
			n := strings.TrimPrefix(c.Name, "/")
			if path.Base(c.NetworkSettings.SandboxKey) == "default" {
				c.NetworkSettings.SandboxKey = ""
			}
			o.add(&owner{known: true, Engine: "docker", ID: c.ID, Name: n, Tags: tagsOf(n, c.Config.Labels)}, c.NetworkSettings.SandboxKey)
		}
	}
}

// podman reads what Podman and CRI-O keep in their storage, whose directory is
// named after its driver. Containers that go with their end ("--rm") are in a
// list of their own since version 1.46 of the storage; where nothing is to
// survive a restart that list is under /run.
func (o *owners) podman(root fs.FS) {
	const run, lib = "run/containers/storage/", "var/lib/containers/storage/"
	var lists []string
	for _, pattern := range []string{lib + "*-containers/containers.json", lib + "*-containers/volatile-containers.json", run + "*-containers/volatile-containers.json"} {
		found, _ := fs.Glob(root, pattern)
		lists = append(lists, found...)
	}
	for _, name := range lists {
		o.podmanList(root, name, path.Join(run, path.Base(path.Dir(name))), path.Join(lib, path.Base(path.Dir(name))))
	}
}

// podmanList reads one list; the rest about a container is in one of dirs.
func (o *owners) podmanList(root fs.FS, name string, dirs ...string) {
	var list []struct {
		ID    string   `json:"id"`
		Names []string `json:"names"`
	}
	readJSON(root, name, &list)
	for _, c := range list {
		var spec ociConfig
		for _, dir := range dirs {
			if spec = ociSpec(root, path.Join(dir, c.ID, "userdata/config.json")); spec.read {
				break
			}
		}
		n := &owner{known: spec.read, Engine: "podman", ID: c.ID, Pod: spec.Annotations["io.kubernetes.pod.uid"]}
		if len(c.Names) > 0 {
			n.Name = c.Names[0]
		}
		if strings.HasSuffix(n.Name, "-infra") && spec.Hostname != "" {
			n.Name = spec.Hostname // a pod's, that this container holds the network for
		}
		if spec.Annotations["io.kubernetes.cri-o.ContainerType"] != "" {
			n.Engine = "cri-o"
		}
		n.Tags = tagsOf(n.Name, nil)
		o.add(n, spec.netns)
	}
}

func (o *owners) containerd(root fs.FS) {
	files, _ := fs.Glob(root, "run/containerd/io.containerd.runtime.v2.task/*/*/config.json")
	for _, name := range files {
		dir := path.Dir(name)
		if path.Base(path.Dir(dir)) == "moby" {
			continue // Docker's: read above, with their names
		}
		spec := ociSpec(root, name)
		a := spec.Annotations
		n := &owner{known: spec.read, Engine: "containerd", ID: path.Base(dir), Name: a["nerdctl/name"], Pod: a["io.kubernetes.cri.sandbox-uid"]}
		if !containerID.MatchString(n.ID) { // one that somebody chose, unique in a namespace of containerd
			n.Name = cmp.Or(n.Name, n.ID)
			n.ID = path.Base(path.Dir(dir)) + "/" + n.ID
		}
		if pod := a["io.kubernetes.cri.sandbox-name"]; pod != "" {
			n.Name = pod
			n.Tags = Tags{"kubernetes-namespace": a["io.kubernetes.cri.sandbox-namespace"], "kubernetes-pod": pod}
		}
		n.Tags = tagsOf(n.Name, n.Tags)
		o.add(n, spec.netns)
		if text, err := fs.ReadFile(root, path.Join(dir, "init.pid")); err == nil && spec.unshared {
			if pid, err := strconv.Atoi(strings.TrimSpace(string(text))); err == nil {
				o.byPID[pid] = n
			}
		}
	}
}

// An ociConfig is what is of interest of a container's config.json.
type ociConfig struct {
	Hostname    string            `json:"hostname"`
	Annotations map[string]string `json:"annotations"`
	Linux       struct {
		Namespaces []struct{ Type, Path string } `json:"namespaces"`
	} `json:"linux"`

	read     bool   // the file is there
	netns    string // path of the network namespace it was put into; empty if none
	unshared bool   // it began with a network namespace of its own
}

// ociSpec reads a config.json.
func ociSpec(root fs.FS, name string) (spec ociConfig) {
	spec.read = readJSON(root, name, &spec)
	for _, n := range spec.Linux.Namespaces {
		if n.Type == "network" {
			spec.netns, spec.unshared = n.Path, n.Path == ""
		}
	}
	return spec
}

func (o *owners) cni(root fs.FS) {
	files, _ := fs.Glob(root, "var/lib/cni/results/*")
	for _, name := range files {
		var c struct {
			Kind        string     `json:"kind"`
			ContainerID string     `json:"containerId"`
			Args        [][]string `json:"cniArgs"`
			Netns       string     `json:"netns"`
			Result      struct {
				Interfaces []struct{ Sandbox string } `json:"interfaces"`
			} `json:"result"`
		}
		if !readJSON(root, name, &c) || c.Kind != "cniCacheV1" {
			continue
		}
		n := &owner{known: true, ID: c.ContainerID}
		tags := Tags{}
		for _, kv := range c.Args {
			if len(kv) != 2 {
				continue
			}
			switch kv[0] {
			case "K8S_POD_UID":
				n.Pod = kv[1]
			case "K8S_POD_NAME":
				n.Name, tags["kubernetes-pod"] = kv[1], kv[1]
			case "K8S_POD_NAMESPACE":
				tags["kubernetes-namespace"] = kv[1]
			}
		}
		n.Tags = tagsOf(n.Name, tags)
		netns := c.Netns
		for _, i := range c.Result.Interfaces {
			if i.Sandbox != "" {
				netns = i.Sandbox
			}
		}
		o.add(n, netns)
	}
}

// tagsOf returns labels and the name as tags of an instance.
func tagsOf(name string, labels Tags) Tags {
	if name == "" {
		return labels
	}
	return Tags(labels).merge(Tags{"Name": name})
}
