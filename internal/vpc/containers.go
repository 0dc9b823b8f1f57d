package vpc

import (
	"encoding/json"
	"io/fs"
	"path"
	"regexp"
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
	containerID = regexp.MustCompile(`(?:^|[/-])([0-9a-f]{64})(?:\.scope)?(?:$|/)`)
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
		m := containerID.FindStringSubmatch(parts[2])
		if m == nil {
			continue
		}
		o := &owner{ID: m[1]}
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
	o := &owners{byID: make(map[string]*owner), byNetns: make(map[string]*owner)}
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
	if netns != "" {
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
			// The namespace of a container that shares another's is empty here.
			NetworkSettings struct{ SandboxKey string }
		}
		if readJSON(root, name, &c) {
			n := strings.TrimPrefix(c.Name, "/")
			o.add(&owner{Engine: "docker", ID: c.ID, Name: n, Tags: tagsOf(n, c.Config.Labels)}, c.NetworkSettings.SandboxKey)
		}
	}
}

func (o *owners) podman(root fs.FS) {
	var list []struct {
		ID    string   `json:"id"`
		Names []string `json:"names"`
	}
	readJSON(root, "var/lib/containers/storage/overlay-containers/containers.json", &list)
	for _, c := range list {
		n := ""
		if len(c.Names) > 0 {
			n = c.Names[0]
		}
		labels, netns := ociSpec(root, path.Join("run/containers/storage/overlay-containers", c.ID, "userdata/config.json"))
		if netns == "" {
			labels, netns = ociSpec(root, path.Join("var/lib/containers/storage/overlay-containers", c.ID, "userdata/config.json"))
		}
		engine := "podman"
		if labels["io.kubernetes.cri-o.ContainerType"] != "" {
			engine = "cri-o"
		}
		o.add(&owner{Engine: engine, ID: c.ID, Name: n, Pod: labels["io.kubernetes.pod.uid"], Tags: tagsOf(n, nil)}, netns)
	}
}

func (o *owners) containerd(root fs.FS) {
	files, _ := fs.Glob(root, "run/containerd/io.containerd.runtime.v2.task/*/*/config.json")
	for _, name := range files {
		dir := path.Dir(name)
		if path.Base(path.Dir(dir)) == "moby" {
			continue // Docker's: read above, with their names
		}
		a, netns := ociSpec(root, name)
		n := &owner{Engine: "containerd", ID: path.Base(dir), Name: a["nerdctl/name"], Pod: a["io.kubernetes.cri.sandbox-uid"]}
		if pod := a["io.kubernetes.cri.sandbox-name"]; pod != "" {
			n.Name = pod
			n.Tags = Tags{"kubernetes-namespace": a["io.kubernetes.cri.sandbox-namespace"], "kubernetes-pod": pod}
		}
		n.Tags = tagsOf(n.Name, n.Tags)
		o.add(n, netns)
	}
}

// ociSpec returns the annotations and the network namespace of a container.
func ociSpec(root fs.FS, name string) (annotations map[string]string, netns string) {
	var spec struct {
		Annotations map[string]string `json:"annotations"`
		Linux       struct {
			Namespaces []struct{ Type, Path string } `json:"namespaces"`
		} `json:"linux"`
	}
	readJSON(root, name, &spec)
	for _, n := range spec.Linux.Namespaces {
		if n.Type == "network" {
			netns = n.Path
		}
	}
	return spec.Annotations, netns
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
		n := &owner{ID: c.ContainerID}
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
