package deploy

import (
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"

	"github.com/atoll-mesh/atoll/cascade/identity"
)

// The parts of the Kubernetes API that the manifests use, field for field. A field that is not here is an error: a typing
// mistake in a manifest would be taken for the default by an API server of mild manners.
type (
	meta struct {
		Name      string            `yaml:"name"`
		Namespace string            `yaml:"namespace"`
		Labels    map[string]string `yaml:"labels"`
	}
	Object struct {
		APIVersion string `yaml:"apiVersion"`
		Kind       string `yaml:"kind"`
		Metadata   meta   `yaml:"metadata"`
	}
	selector struct {
		MatchLabels map[string]string `yaml:"matchLabels"`
	}
	secretManifest struct {
		Object     `yaml:",inline"`
		Type       string            `yaml:"type"`
		StringData map[string]string `yaml:"stringData"`
	}
	settingsManifest struct {
		Object `yaml:",inline"`
		Data   map[string]string `yaml:"data"`
	}
	serviceManifest struct {
		Object `yaml:",inline"`
		Spec   struct {
			ClusterIP                string            `yaml:"clusterIP"`
			PublishNotReadyAddresses bool              `yaml:"publishNotReadyAddresses"`
			Selector                 map[string]string `yaml:"selector"`
			Ports                    []struct {
				Name     string `yaml:"name"`
				Port     int    `yaml:"port"`
				Protocol string `yaml:"protocol"`
			} `yaml:"ports"`
		} `yaml:"spec"`
	}
	budgetManifest struct {
		Object `yaml:",inline"`
		Spec   struct {
			MaxUnavailable int      `yaml:"maxUnavailable"`
			Selector       selector `yaml:"selector"`
		} `yaml:"spec"`
	}
	kustomization struct {
		APIVersion string   `yaml:"apiVersion"`
		Kind       string   `yaml:"kind"`
		Namespace  string   `yaml:"namespace"`
		Resources  []string `yaml:"resources"`
	}
	nodesManifest struct {
		Object `yaml:",inline"`
		Spec   struct {
			ServiceName         string   `yaml:"serviceName"`
			Replicas            int      `yaml:"replicas"`
			PodManagementPolicy string   `yaml:"podManagementPolicy"`
			Selector            selector `yaml:"selector"`
			UpdateStrategy      struct {
				Type string `yaml:"type"`
			} `yaml:"updateStrategy"`
			MinReadySeconds int `yaml:"minReadySeconds"`
			Template        struct {
				Metadata meta `yaml:"metadata"`
				Spec     pod  `yaml:"spec"`
			} `yaml:"template"`
			VolumeClaimTemplates []struct {
				Metadata meta `yaml:"metadata"`
				Spec     struct {
					AccessModes []string `yaml:"accessModes"`
					Resources   struct {
						Requests map[string]string `yaml:"requests"`
					} `yaml:"resources"`
				} `yaml:"spec"`
			} `yaml:"volumeClaimTemplates"`
		} `yaml:"spec"`
	}
	pod struct {
		HostNetwork                   bool   `yaml:"hostNetwork"`
		DNSPolicy                     string `yaml:"dnsPolicy"`
		AutomountServiceAccountToken  *bool  `yaml:"automountServiceAccountToken"`
		EnableServiceLinks            *bool  `yaml:"enableServiceLinks"`
		TerminationGracePeriodSeconds int    `yaml:"terminationGracePeriodSeconds"`
		Affinity                      struct {
			PodAntiAffinity struct {
				Required []struct {
					TopologyKey   string   `yaml:"topologyKey"`
					LabelSelector selector `yaml:"labelSelector"`
				} `yaml:"requiredDuringSchedulingIgnoredDuringExecution"`
			} `yaml:"podAntiAffinity"`
		} `yaml:"affinity"`
		SecurityContext struct {
			RunAsNonRoot        bool   `yaml:"runAsNonRoot"`
			RunAsUser           int    `yaml:"runAsUser"`
			RunAsGroup          int    `yaml:"runAsGroup"`
			FSGroup             int    `yaml:"fsGroup"`
			FSGroupChangePolicy string `yaml:"fsGroupChangePolicy"`
			SeccompProfile      struct {
				Type string `yaml:"type"`
			} `yaml:"seccompProfile"`
		} `yaml:"securityContext"`
		Containers []container `yaml:"containers"`
		Volumes    []struct {
			Name   string `yaml:"name"`
			Secret struct {
				SecretName  string `yaml:"secretName"`
				DefaultMode int    `yaml:"defaultMode"`
			} `yaml:"secret"`
		} `yaml:"volumes"`
	}
	container struct {
		Name    string `yaml:"name"`
		Image   string `yaml:"image"`
		EnvFrom []struct {
			ConfigMapRef struct {
				Name string `yaml:"name"`
			} `yaml:"configMapRef"`
		} `yaml:"envFrom"`
		Env []struct {
			Name      string `yaml:"name"`
			Value     string `yaml:"value"`
			ValueFrom struct {
				FieldRef struct {
					FieldPath string `yaml:"fieldPath"`
				} `yaml:"fieldRef"`
			} `yaml:"valueFrom"`
		} `yaml:"env"`
		Ports []struct {
			Name          string `yaml:"name"`
			ContainerPort int    `yaml:"containerPort"`
			HostPort      int    `yaml:"hostPort"`
			Protocol      string `yaml:"protocol"`
		} `yaml:"ports"`
		StartupProbe   probe `yaml:"startupProbe"`
		ReadinessProbe probe `yaml:"readinessProbe"`
		LivenessProbe  probe `yaml:"livenessProbe"`
		Lifecycle      struct {
			PreStop struct {
				Exec struct {
					Command []string `yaml:"command"`
				} `yaml:"exec"`
			} `yaml:"preStop"`
		} `yaml:"lifecycle"`
		Resources struct {
			Requests map[string]string `yaml:"requests"`
			Limits   map[string]string `yaml:"limits"`
		} `yaml:"resources"`
		SecurityContext struct {
			AllowPrivilegeEscalation bool `yaml:"allowPrivilegeEscalation"`
			ReadOnlyRootFilesystem   bool `yaml:"readOnlyRootFilesystem"`
			Capabilities             struct {
				Drop []string `yaml:"drop"`
				Add  []string `yaml:"add"`
			} `yaml:"capabilities"`
		} `yaml:"securityContext"`
		VolumeMounts []struct {
			Name      string `yaml:"name"`
			MountPath string `yaml:"mountPath"`
			ReadOnly  bool   `yaml:"readOnly"`
		} `yaml:"volumeMounts"`
	}
	probe struct {
		HTTPGet struct {
			Host string `yaml:"host"`
			Port int    `yaml:"port"`
			Path string `yaml:"path"`
		} `yaml:"httpGet"`
		PeriodSeconds    int `yaml:"periodSeconds"`
		TimeoutSeconds   int `yaml:"timeoutSeconds"`
		FailureThreshold int `yaml:"failureThreshold"`
	}
)

// manifest reads one, strictly, and checks what it says it is.
func manifest(t *testing.T, file, is string, value any, of func() Object) {
	t.Helper()
	decodeYAML(t, filepath.Join("kubernetes", file), value)
	k := of()
	if got := k.APIVersion + " " + k.Kind; got != is || k.Metadata.Name == "" || k.Kind != "Namespace" && k.Metadata.Namespace != "atoll" {
		t.Errorf("%s: %s %q in %q, want %s", file, got, k.Metadata.Name, k.Metadata.Namespace, is)
	}
}

// TestManifestsAreComplete: the kustomization applies every manifest but the secret, which holds none.
func TestManifestsAreComplete(t *testing.T) {
	var k kustomization
	decodeYAML(t, "kubernetes/kustomization.yaml", &k)
	files, err := filepath.Glob("kubernetes/*.yaml")
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range files {
		file := filepath.Base(path)
		if applied := slices.Contains(k.Resources, file); applied == (file == "secret.yaml" || file == "kustomization.yaml") {
			t.Errorf("%s: applied %v", file, applied)
		}
	}
	if len(k.Resources) != len(files)-2 || k.APIVersion != "kustomize.config.k8s.io/v1beta1" || k.Kind != "Kustomization" || k.Namespace != "atoll" {
		t.Errorf("%+v", k)
	}
	var namespace Object
	manifest(t, "namespace.yaml", "v1 Namespace", &namespace, func() Object { return namespace })
	if namespace.Metadata.Name != "atoll" {
		t.Errorf("namespace %q", namespace.Metadata.Name)
	}
	var secret secretManifest
	manifest(t, "secret.yaml", "v1 Secret", &secret, func() Object { return secret.Object })
	if _, err := identity.ParseSecret(secret.StringData["secret"]); err == nil {
		t.Error("the manifest holds a secret that everybody knows")
	}
}

// TestPodsRunANode: what Kubernetes gives the container is a configuration of a node that finds the others.
func TestPodsRunANode(t *testing.T) {
	var nodes nodesManifest
	manifest(t, "nodes.yaml", "apps/v1 StatefulSet", &nodes, func() Object { return nodes.Object })
	var settings settingsManifest
	manifest(t, "settings.yaml", "v1 ConfigMap", &settings, func() Object { return settings.Object })
	var service serviceManifest
	manifest(t, "service.yaml", "v1 Service", &service, func() Object { return service.Object })
	var budget budgetManifest
	manifest(t, "budget.yaml", "policy/v1 PodDisruptionBudget", &budget, func() Object { return budget.Object })

	p := nodes.Spec.Template.Spec
	if len(p.Containers) != 1 || len(p.Containers[0].EnvFrom) != 1 || p.Containers[0].EnvFrom[0].ConfigMapRef.Name != settings.Metadata.Name {
		t.Fatalf("containers %+v", p.Containers)
	}
	c := p.Containers[0]
	folder := etc(t, "")
	environ := []string{}
	for name, value := range settings.Data {
		environ = append(environ, name+"="+value)
	}
	for _, e := range c.Env {
		switch {
		case e.ValueFrom.FieldRef.FieldPath == "status.hostIP":
			e.Value = "192.0.2.7"
		case e.Value == "":
			t.Errorf("%s has no value", e.Name)
		}
		environ = append(environ, e.Name+"="+strings.Replace(e.Value, "/run/atoll", folder, 1))
	}
	cfg := load(t, "pod", nil, environ)

	var listed []string
	for _, port := range c.Ports {
		if port.HostPort != port.ContainerPort {
			t.Errorf("%s: port %d of the machine for port %d", port.Name, port.HostPort, port.ContainerPort)
		}
		listed = append(listed, strconv.Itoa(port.ContainerPort)+"/"+strings.ToLower(port.Protocol))
	}
	covers(t, "nodes.yaml", listed, ports(cfg))
	for name, q := range map[string]probe{"startup": c.StartupProbe, "readiness": c.ReadinessProbe, "liveness": c.LivenessProbe} {
		if get := q.HTTPGet; get.Host != cfg.Admin.Host || get.Port != int(cfg.Admin.Port) || get.Path != "/about/health" {
			t.Errorf("%s probe %+v, the admin API is at %v", name, get, cfg.Admin)
		}
	}

	if service.Spec.ClusterIP != "None" || !service.Spec.PublishNotReadyAddresses || nodes.Spec.ServiceName != service.Metadata.Name ||
		len(service.Spec.Ports) != 1 || service.Spec.Ports[0].Port != int(cfg.Mesh.Port) {
		t.Errorf("service %+v", service)
	}
	if want := service.Metadata.Name + ".atoll.svc.cluster.local"; !slices.Equal(cfg.Join, []string{want}) {
		t.Errorf("joins %q, want %q", cfg.Join, want)
	}
	labels := nodes.Spec.Template.Metadata.Labels
	anti := p.Affinity.PodAntiAffinity.Required
	for where, s := range map[string]map[string]string{
		"service": service.Spec.Selector, "budget": budget.Spec.Selector.MatchLabels, "set": nodes.Spec.Selector.MatchLabels,
		"affinity": anti[0].LabelSelector.MatchLabels,
	} {
		if len(s) != 1 || s["app.kubernetes.io/name"] != labels["app.kubernetes.io/name"] {
			t.Errorf("%s selects %v, pods have %v", where, s, labels)
		}
	}
	if !p.HostNetwork || p.DNSPolicy != "ClusterFirstWithHostNet" || anti[0].TopologyKey != "kubernetes.io/hostname" || budget.Spec.MaxUnavailable != 1 {
		t.Errorf("pod %+v, budget %+v", p, budget)
	}
}

// TestPodsMayLittle: a pod drains before it ends, keeps its folders, and may listen below 1024 and nothing else.
func TestPodsMayLittle(t *testing.T) {
	var nodes nodesManifest
	decodeYAML(t, "kubernetes/nodes.yaml", &nodes)
	p := nodes.Spec.Template.Spec
	c := p.Containers[0]
	drain := c.Lifecycle.PreStop.Exec.Command
	if len(drain) != 4 || drain[0] != "/atoll" || drain[1] != "drain" || drain[2] != "--deadline" || drain[3] != "60s" || p.TerminationGracePeriodSeconds < 75 {
		t.Errorf("before its end: %q, %d s", drain, p.TerminationGracePeriodSeconds)
	}
	s := p.SecurityContext
	if !s.RunAsNonRoot || s.RunAsUser == 0 || s.FSGroup != s.RunAsGroup || s.FSGroupChangePolicy != "OnRootMismatch" || s.SeccompProfile.Type != "RuntimeDefault" {
		t.Errorf("%+v", s)
	}
	if caps := c.SecurityContext.Capabilities; c.SecurityContext.AllowPrivilegeEscalation || !c.SecurityContext.ReadOnlyRootFilesystem || !slices.Equal(caps.Drop, []string{"ALL"}) || !slices.Equal(caps.Add, []string{"NET_BIND_SERVICE"}) {
		t.Errorf("%+v", c.SecurityContext)
	}
	if *p.AutomountServiceAccountToken || *p.EnableServiceLinks {
		t.Error("the pod gets a token or variables of services")
	}
	if p.Volumes[0].Secret.DefaultMode != 0o440 || p.Volumes[0].Secret.SecretName != "atoll" {
		t.Errorf("volumes %+v", p.Volumes)
	}
	mounted := map[string]string{}
	for _, m := range c.VolumeMounts {
		mounted[m.Name] = m.MountPath
	}
	for _, e := range c.Env {
		switch e.Name {
		case "ATOLL_DATA":
			if !strings.HasPrefix(e.Value, mounted[nodes.Spec.VolumeClaimTemplates[0].Metadata.Name]+"/") {
				t.Errorf("%s is outside of %v, or the root of a volume, which belongs to root", e.Value, mounted)
			}
		case "ATOLL_SECRET_FILE":
			if e.Value != mounted[p.Volumes[0].Name]+"/secret" {
				t.Errorf("%s is not in %v", e.Value, mounted)
			}
		}
	}
}

// TestStrictManifests: a mistyped field is found.
func TestStrictManifests(t *testing.T) {
	text, err := os.ReadFile("kubernetes/nodes.yaml")
	if err != nil {
		t.Fatal(err)
	}
	for _, typo := range [][2]string{{"hostNetwork", "hostNetworks"}, {"preStop:", "prestop:"}, {"serviceName", "service"}, {"defaultMode", "mode"}} {
		var nodes nodesManifest
		if err := yaml.UnmarshalWithOptions([]byte(strings.Replace(string(text), typo[0], typo[1], 1)), &nodes, yaml.Strict()); err == nil {
			t.Errorf("%s is taken for %s", typo[1], typo[0])
		}
	}
}
