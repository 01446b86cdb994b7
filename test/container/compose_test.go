// Package container checks compose.yaml as the library of docker compose reads
// it. It is a module of its own, so that the library is none of Model DB's.
package container

import (
	"strings"
	"testing"
	"time"

	"github.com/compose-spec/compose-go/v2/cli"
	"github.com/compose-spec/compose-go/v2/types"
)

// load reads compose.yaml with nothing in the environment but env.
func load(t *testing.T, env ...string) (*types.Project, error) {
	t.Helper()
	options, err := cli.NewProjectOptions([]string{"../../compose.yaml"},
		cli.WithName("modeldb"), cli.WithEnv(env), cli.WithInterpolation(true), cli.WithResolvedPaths(true),
		cli.WithNormalization(true), cli.WithConsistency(true))
	if err != nil {
		t.Fatal(err)
	}
	return options.LoadProject(t.Context())
}

func services(t *testing.T, env ...string) (modeldb, postgres types.ServiceConfig) {
	t.Helper()
	project, err := load(t, env...)
	if err != nil {
		t.Fatal(err)
	}
	if len(project.Services) != 2 {
		t.Fatalf("services are %v; want modeldb and postgres", project.ServiceNames())
	}
	return project.Services["modeldb"], project.Services["postgres"]
}

func TestWithoutAPasswordNothingStartsAndTheMessageSaysWhatToDo(t *testing.T) {
	for _, env := range [][]string{nil, {"POSTGRES_PASSWORD="}} {
		_, err := load(t, env...)
		if err == nil || !strings.Contains(err.Error(), "POSTGRES_PASSWORD") || !strings.Contains(err.Error(), ".env") {
			t.Errorf("with %q: %v; want an error that names POSTGRES_PASSWORD and .env", env, err)
		}
	}
}

func TestBothServicesAgreeOnTheDatabase(t *testing.T) {
	for want, env := range map[string][]string{
		"modeldb secret modeldb": {"POSTGRES_PASSWORD=secret"},
		"ann se$cret records":    {"POSTGRES_PASSWORD=se$cret", "POSTGRES_USER=ann", "POSTGRES_DB=records"},
	} {
		modeldb, postgres := services(t, env...)
		for _, s := range []types.ServiceConfig{modeldb, postgres} {
			got := value(s, "POSTGRES_USER") + " " + value(s, "POSTGRES_PASSWORD") + " " + value(s, "POSTGRES_DB")
			if got != want {
				t.Errorf("%s has %q; want %q", s.Name, got, want)
			}
		}
		if got := value(modeldb, "POSTGRES_SERVER"); got != postgres.Name {
			t.Errorf("POSTGRES_SERVER is %q; want %q", got, postgres.Name)
		}
	}
}

func value(s types.ServiceConfig, name string) string {
	if v := s.Environment[name]; v != nil {
		return *v
	}
	return ""
}

func TestModelDBWaitsForAHealthyDatabase(t *testing.T) {
	modeldb, postgres := services(t, "POSTGRES_PASSWORD=secret")
	if got := modeldb.DependsOn[postgres.Name].Condition; got != types.ServiceConditionHealthy {
		t.Errorf("condition is %q", got)
	}
	if h := postgres.HealthCheck; h == nil || !strings.Contains(strings.Join(h.Test, " "), "pg_isready") {
		t.Errorf("health check of PostgreSQL is %v", h)
	}
	if modeldb.HealthCheck != nil {
		t.Error("the image's own health check is replaced")
	}
}

func TestOnlyThisMachineReachesModelDBAndNobodyTheDatabase(t *testing.T) {
	modeldb, postgres := services(t, "POSTGRES_PASSWORD=secret")
	if len(postgres.Ports) != 0 {
		t.Errorf("PostgreSQL publishes %v", postgres.Ports)
	}
	if len(modeldb.Ports) != 1 || modeldb.Ports[0].HostIP != "127.0.0.1" ||
		modeldb.Ports[0].Published != "8000" || modeldb.Ports[0].Target != 8000 {
		t.Errorf("Model DB publishes %v; want 127.0.0.1:8000:8000", modeldb.Ports)
	}
}

func TestRecordsAreInNamedVolumes(t *testing.T) {
	modeldb, postgres := services(t, "POSTGRES_PASSWORD=secret")
	for s, path := range map[*types.ServiceConfig]string{&modeldb: "/data", &postgres: "/var/lib/postgresql/data"} {
		if len(s.Volumes) != 1 || s.Volumes[0].Type != types.VolumeTypeVolume || s.Volumes[0].Source == "" || s.Volumes[0].Target != path {
			t.Errorf("%s has %v; want a named volume at %s", s.Name, s.Volumes, path)
		}
	}
}

func TestModelDBMayDoLittleAndHasTimeToEnd(t *testing.T) {
	modeldb, postgres := services(t, "POSTGRES_PASSWORD=secret")
	if !modeldb.ReadOnly || len(modeldb.CapAdd) != 0 || strings.Join(modeldb.CapDrop, " ") != "ALL" {
		t.Errorf("read only: %v, capabilities: +%v -%v", modeldb.ReadOnly, modeldb.CapAdd, modeldb.CapDrop)
	}
	if got := modeldb.StopGracePeriod; got == nil || time.Duration(*got) < 35*time.Second {
		t.Errorf("grace period is %v; the server takes up to 30 s", got)
	}
	for _, s := range []types.ServiceConfig{modeldb, postgres} {
		if strings.Join(s.SecurityOpt, " ") != "no-new-privileges:true" {
			t.Errorf("%s has security options %v", s.Name, s.SecurityOpt)
		}
		if s.Privileged || s.User == "root" || s.NetworkMode == "host" || s.Restart != types.RestartPolicyUnlessStopped {
			t.Errorf("%s: privileged %v, user %q, network %q, restart %q", s.Name, s.Privileged, s.User, s.NetworkMode, s.Restart)
		}
	}
}

func TestTheImageIsTheOneThatIsBuiltHere(t *testing.T) {
	modeldb, _ := services(t, "POSTGRES_PASSWORD=secret", "IMAGE=registry.example/team/modeldb", "VERSION=1.2.3")
	if modeldb.Image != "registry.example/team/modeldb:1.2.3" {
		t.Errorf("image is %q", modeldb.Image)
	}
	if v := modeldb.Build.Args["VERSION"]; v == nil || *v != "1.2.3" {
		t.Errorf("build arguments are %v", modeldb.Build.Args)
	}
}
