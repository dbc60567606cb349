package compose

import (
	"errors"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// folder writes files below a new folder and gives it.
func folder(t *testing.T, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range files {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func read(t *testing.T, dir, service string, environ ...string) (*File, error) {
	t.Helper()
	return Read(t.Context(), Source{Path: filepath.Join(dir, "compose.yaml"), Name: "compose.yaml", Service: service, Environ: environ})
}

// names are services in their order.
func names(list []*Service) []string {
	all := []string{}
	for _, s := range list {
		all = append(all, s.Name)
	}
	return all
}

const shop = `
services:
  web:
    build: {context: web, dockerfile: Dockerfile.web, target: run, args: {GO: "1.26"}}
    command: ["serve", "--port", "${PORT:-1}"]
    entrypoint: []
    environment: {A: "${FROM_SHELL}", B: "${FROM_DOTENV}", C: own, NONE: }
    env_file: [web.env]
    ports: ["127.0.0.1:80:80"]
    links: ["db:database"]
    depends_on:
      db: {condition: service_healthy}
      migrate: {condition: service_completed_successfully}
      cache: {condition: service_started, required: false}
    volumes: ["data:/data:ro", "./conf:/conf:ro", /scratch, {type: tmpfs, target: /t, tmpfs: {size: 1k}}]
    secrets: [password]
    configs: [{source: conf, target: /etc/conf}]
    labels: {any: thing}
    deploy: {replicas: 3}
    logging: {driver: syslog}
    x-own: 1
  worker: {image: worker:1, depends_on: [web], restart: "on-failure:3", security_opt: ["no-new-privileges:true"]}
  mailer: {image: mailer:1, depends_on: {worker: {condition: service_started}}}
  migrate: {image: "migrate:1", depends_on: [db], cap_add: [IPC_LOCK], cap_drop: [ALL]}
  cache: {image: "cache:1", tmpfs: ["/run:size=1m", /tmp], profiles: [extra]}
  db:
    image: db:16
    user: "70:70"
    working_dir: /work
    hostname: db-1
    init: true
    read_only: true
    shm_size: 64m
    stop_signal: SIGINT
    ulimits: {nofile: {soft: 10, hard: 20}, nproc: 5}
    networks: {default: {aliases: [pg.internal]}}
    extra_hosts: ["other:10.0.0.1"]
    volumes: [{type: volume, source: data, target: /var/data, volume: {nocopy: true}}]
    healthcheck: {test: pg_isready, interval: 1s, timeout: 2s, start_period: 3s, start_interval: 100ms, retries: 4}
volumes: {data: , unused: }
secrets: {password: {file: ./password}}
configs: {conf: {content: "a = ${FROM_SHELL}"}}
`

func TestRead(t *testing.T) {
	dir := folder(t, map[string]string{
		"compose.yaml": shop, ".env": "FROM_DOTENV=dotenv\nFROM_SHELL=too late\n", "web.env": "C=file\nD=file\n", "password": "hunter2", "web/Dockerfile.web": "FROM scratch", "conf/x": "",
	})
	f, err := read(t, dir, "web", "FROM_SHELL=shell")
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([][]string{{"db", "migrate"}, {"worker", "mailer"}, {"data"}}, [][]string{names(f.Before), names(f.After), f.Volumes}); diff != "" {
		t.Errorf("what starts when, and volumes (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{"database", "db", "db-1", "mailer", "migrate", "pg.internal", "web", "worker"}, f.Names()); diff != "" {
		t.Errorf("names (-want +got):\n%s", diff)
	}
	version := "1.26"
	web := &Service{
		Name: "web", Build: &Build{Context: filepath.Join(dir, "web"), Dockerfile: "Dockerfile.web", Target: "run", Args: map[string]*string{"GO": &version}},
		Entrypoint: []string{}, Command: []string{"serve", "--port", "1"},
		Env: map[string]string{"A": "shell", "B": "dotenv", "C": "own", "D": "file"}, Tmpfs: map[string]string{},
		Mounts: []Mount{
			{Kind: Volume, Source: "data", Target: "/data", ReadOnly: true}, {Kind: Bind, Source: filepath.Join(dir, "conf"), Target: "/conf", ReadOnly: true},
			{Kind: Volume, Target: "/scratch"}, {Kind: Tmpfs, Target: "/t", Size: 1024},
		},
		Needs: []Need{{Service: "cache", Condition: Started, Optional: true}, {Service: "db", Condition: Healthy}, {Service: "migrate", Condition: Completed}},
		Files: map[string][]byte{"/run/secrets/password": []byte("hunter2"), "/etc/conf": []byte("a = shell")},
	}
	if diff := cmp.Diff(web, f.App); diff != "" {
		t.Errorf("the app (-want +got):\n%s", diff)
	}
	yes := true
	db := &Service{
		Name: "db", Image: "db:16", Env: map[string]string{}, User: "70:70", WorkingDir: "/work", Hostname: "db-1", Aliases: []string{"database", "db-1", "pg.internal"},
		Init: &yes, ReadOnly: true, ShmSize: 64 << 20, StopSignal: "SIGINT", Ulimits: []Ulimit{{"nofile", 10, 20}, {"nproc", 5, 5}}, ExtraHosts: []string{"other:10.0.0.1"},
		Tmpfs: map[string]string{}, Mounts: []Mount{{Kind: Volume, Source: "data", Target: "/var/data", NoCopy: true}}, Files: map[string][]byte{},
		Health: &Health{Test: []string{"CMD-SHELL", "pg_isready"}, Interval: time.Second, Timeout: 2 * time.Second, StartPeriod: 3 * time.Second, StartInterval: 100 * time.Millisecond, Retries: 4},
	}
	if diff := cmp.Diff(db, f.Before[0]); diff != "" {
		t.Errorf("db (-want +got):\n%s", diff)
	}
	if w, m := f.After[0], f.Before[1]; w.Restart != "on-failure:3" || !w.NoNewPrivileges || cmp.Diff([]string{"IPC_LOCK"}, m.CapAdd) != "" || cmp.Diff([]string{"ALL"}, m.CapDrop) != "" {
		t.Errorf("worker %+v, migrate %+v", w, m)
	}
}

// TestProfiles holds that the services of a profile come along when it is asked for, and when the app is one of them.
func TestProfiles(t *testing.T) {
	dir := folder(t, map[string]string{"own.env": "A=file\n", "compose.yaml": `
services:
  web: {image: web}
  other: {image: other, profiles: [more], env_file: [own.env], tmpfs: ["/run:size=1m", /tmp]}
`})
	for _, tc := range []struct {
		service string
		environ []string
		want    []string
	}{{"web", nil, []string{"web"}}, {"", nil, []string{"web"}}, {"web", []string{"COMPOSE_PROFILES=more"}, []string{"other", "web"}}, {"other", nil, []string{"other", "web"}}} {
		f, err := read(t, dir, tc.service, tc.environ...)
		if err != nil {
			t.Errorf("%+v: %v", tc, err)
			continue
		}
		if diff := cmp.Diff(tc.want, f.Names()); diff != "" {
			t.Errorf("%+v (-want +got):\n%s", tc, diff)
		}
		if tc.service == "other" && (f.App.Env["A"] != "file" || cmp.Diff(map[string]string{"/run": "size=1m", "/tmp": ""}, f.App.Tmpfs) != "") {
			t.Errorf("the app: %+v", f.App)
		}
	}
}

func TestNoService(t *testing.T) {
	dir := folder(t, map[string]string{"compose.yaml": "services: {web: {image: a}, db: {image: b}}\n"})
	for service, want := range map[string]string{
		"":    "compose.yaml has 2 services: start.service has to say which is the app (db, web)",
		"wed": `compose.yaml has no service "wed" (it has db, web)`,
	} {
		_, err := read(t, dir, service)
		var none *NoService
		if !errors.As(err, &none) || err.Error() != want || cmp.Diff([]string{"db", "web"}, none.Known) != "" {
			t.Errorf("%q: %v", service, err)
		}
	}
}

// TestRefuses holds that what a cell cannot do is said with its line, the service and the key.
func TestRefuses(t *testing.T) {
	for _, tc := range []struct{ name, service, rest, want string }{
		{"privileged", "privileged: true", "", "compose.yaml:5:5: service db: privileged: " + apart},
		{"network mode", "network_mode: host", "", "compose.yaml:5:5: service db: network_mode: " + ownNetwork},
		{"another's network", `network_mode: "service:web"`, "", "service db: network_mode: " + ownNetwork},
		{"devices", "devices: [/dev/fuse]", "", "compose.yaml:5:5: service db: devices: " + devices},
		{"gpus", "gpus: all", "", "service db: gpus: " + devices},
		{"reserved devices", "deploy: {resources: {reservations: {devices: [{capabilities: [gpu]}]}}}", "", "service db: deploy: " + devices},
		{"pid", "pid: host", "", "service db: pid: " + apart},
		{"ipc", "ipc: host", "", "service db: ipc: " + apart},
		{"capability", "cap_add: [SYS_ADMIN]", "", "compose.yaml:5:5: service db: cap_add: SYS_ADMIN: " + apart},
		{"security", "security_opt: [seccomp:unconfined]", "", "service db: security_opt: seccomp:unconfined would lower"},
		{"engine", "volumes: [/var/run/docker.sock:/var/run/docker.sock]", "", "compose.yaml:5:5: service db: volumes: /var/run/docker.sock is a socket of this machine"},
		{"another socket", "volumes: [./socket:/socket]", "", "socket is a socket of this machine"},
		{"a bind that is not there", "volumes: [{type: bind, source: ./nowhere, target: /x, bind: {create_host_path: false}}]", "", "nowhere is not there"},
		{"a mount of an image", "volumes: [{type: image, source: x, target: /x}]", "", "service db: volumes: a mount of type image"},
		{"external volume", "volumes: [old:/x]", "volumes:\n  old:\n    external: true\n", "compose.yaml:8:5: volumes.old.external: an external volume"},
		{"volume driver", "volumes: [far:/x]", "volumes:\n  far: {driver: nfs}\n", "compose.yaml:7:3: volumes.far: only the engine's own volumes"},
		{"external secret", "secrets: [s]", "secrets:\n  s: {external: true}\n", "compose.yaml:7:7: secrets.s.external: what is external"},
		{"external config", "configs: [s]", "configs: {s: {external: true}}\n", "compose.yaml:6:15: configs.s.external: what is external"},
		{"secret without a file", "secrets: [s]", "secrets: {s: {file: ./none}}\n", "secrets.s.file: open"},
		{"secret without a variable", "secrets: [s]", "secrets: {s: {environment: NOBODY}}\n", "secrets.s.environment: the environment has no NOBODY"},
		{"own address", "networks: {default: {ipv4_address: 10.0.0.1}}", "networks: {default: {ipam: {config: [{subnet: 10.0.0.0/24}]}}}\n", "service db: networks.default.ipv4_address: the run has addresses"},
		{"build secrets", "build: {context: ., secrets: [s]}", "secrets: {s: {file: ./compose.yaml}}\n", "compose.yaml:5:25: service db: build.secrets: such builds"},
		{"inline", `build: {context: ., dockerfile_inline: "FROM scratch"}`, "", "service db: build.dockerfile_inline: "},
		{"no context", "build: ./nowhere", "", "service db: build.context: "},
		{"a Dockerfile elsewhere", "build: {context: sub, dockerfile: ../Dockerfile}", "", "service db: build.dockerfile: ../Dockerfile does not lie"},
		{"wait for the app's end", "depends_on: {web: {condition: service_completed_successfully}}", "", "compose.yaml:5:18: service db: depends_on.web: it waits for the end of the app"},
		{"volumes of another", "volumes_from: [web]", "", "service db: volumes_from: "},
		{"links out", "external_links: [other]", "", "service db: external_links: "},
		{"a circle", "depends_on: [db]", "", "dependency cycle"},
		{"not compose", "imagine: x", "", "imagine"},
		{"nothing to start", "labels: [a]\n    image: null", "", "neither an image nor a build"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			text := "services:\n  web: {image: web}\n  db:\n    image: db\n    " + tc.service + "\n" + tc.rest
			if tc.name == "nothing to start" {
				text = "services:\n  web: {image: web}\n  db: {labels: [a]}\n"
			}
			dir := folder(t, map[string]string{"compose.yaml": text, "sub/x": ""})
			l, err := net.Listen("unix", filepath.Join(dir, "socket"))
			if err != nil {
				t.Fatal(err)
			}
			defer l.Close()
			f, err := read(t, dir, "web")
			if err == nil || !strings.Contains(err.Error(), tc.want) || !strings.HasPrefix(err.Error(), "compose.yaml:") {
				t.Errorf("%v, want %s (%+v)", err, tc.want, f)
			}
		})
	}
}

// TestRefusesAll holds that one reading says all.
func TestRefusesAll(t *testing.T) {
	dir := folder(t, map[string]string{"compose.yaml": "services:\n  a: {image: x, privileged: true, pid: host}\n  b: {image: x, devices: [/dev/fuse]}\n"})
	_, err := read(t, dir, "a")
	if err == nil || strings.Count(err.Error(), "\n") != 2 {
		t.Errorf("%v", err)
	}
	if _, err := read(t, t.TempDir(), "a"); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("no file: %v", err)
	}
}
