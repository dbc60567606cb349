package private

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/miekg/dns"
)

// The test binary plays all three processes: the outer one is the test, and these variables make it one of the others.
const (
	roleVariable    = "PRIVATE_TEST_ROLE"
	scratchVariable = "PRIVATE_TEST_SCRATCH"
	outsideVariable = "PRIVATE_TEST_OUTSIDE" // a port of the machine that must not be reached
	uidVariable     = "PRIVATE_TEST_UID"
)

func TestMain(m *testing.M) {
	switch os.Getenv(roleVariable) {
	case "inner":
		if err := inner(); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	case "outer":
		if err := outer(); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	case "app":
		if err := json.NewEncoder(os.Stdout).Encode(lookAround()); err != nil {
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// sight is what a process inside sees of the world.
type sight struct {
	UID        int
	Resolv     string
	Service    string // what the service at its own address said
	HardCoded  string // what a resolver at a public address said
	Anywhere   string // the address at which a connection to somewhere was taken
	Datagram   string // the same for a datagram
	Outside    string // the error on the way to the machine's own port
	Interfaces int
	Processes  int
	Docker     bool
}

// inner is the process that has the network: it serves a name, a service and everything else.
func inner() error {
	if err := Enter(os.Getenv(scratchVariable), DefaultFiles()); err != nil {
		return err
	}
	names := &dns.Server{Addr: "0.0.0.0:53", Net: "udp", Handler: dns.HandlerFunc(func(w dns.ResponseWriter, q *dns.Msg) {
		m := new(dns.Msg).SetReply(q)
		m.RecursionAvailable = true
		if q.Question[0].Qtype == dns.TypeA {
			m.Answer = append(m.Answer, &dns.A{Hdr: dns.RR_Header{Name: q.Question[0].Name, Rrtype: dns.TypeA, Class: dns.ClassINET, Ttl: 5}, A: net.IPv4(198, 18, 3, 4)})
		}
		_ = w.WriteMsg(m)
	})}
	go func() { _ = names.ListenAndServe() }()
	service, err := net.Listen("tcp", "198.18.3.4:443")
	if err != nil {
		return err
	}
	everything, err := net.Listen("tcp4", fmt.Sprintf("127.0.0.1:%d", CatchAllPort))
	if err != nil {
		return err
	}
	greet := func(l net.Listener, what func(net.Conn) string) {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			_, _ = io.WriteString(c, what(c))
			c.Close()
		}
	}
	go greet(service, func(net.Conn) string { return "infura" })
	go greet(everything, func(c net.Conn) string {
		meant, err := OriginalDestination(c.(*net.TCPConn))
		if err != nil {
			return err.Error()
		}
		return meant.String()
	})
	packets, err := net.ListenPacket("udp4", fmt.Sprintf("127.0.0.1:%d", CatchAllPort))
	if err != nil {
		return err
	}
	go func() {
		for {
			_, from, err := packets.ReadFrom(make([]byte, 1))
			if err != nil {
				return
			}
			meant, err := Datagrams()
			text := meant[from.(*net.UDPAddr).AddrPort()].String()
			if err != nil {
				text = err.Error()
			}
			_, _ = packets.WriteTo([]byte(text), from)
		}
	}()
	if text := os.Getenv("PRIVATE_TEST_SLEEP"); text != "" {
		fmt.Println("inside")
		time.Sleep(time.Minute)
	}

	app := exec.Command("/proc/self/exe")
	app.Env = append(os.Environ(), roleVariable+"=app")
	app.Stdout, app.Stderr = os.Stdout, os.Stderr
	var uid int
	if _, err := fmt.Sscan(os.Getenv(uidVariable), &uid); err != nil {
		return err
	}
	AsUser(app, User{uid, uid})
	return app.Run()
}

func lookAround() (s sight) {
	s.UID = os.Getuid()
	resolv, _ := os.ReadFile("/etc/resolv.conf")
	s.Resolv = string(resolv)
	said := func(network, address string) string {
		c, err := net.DialTimeout(network, address, 2*time.Second)
		if err != nil {
			return err.Error()
		}
		defer c.Close()
		text, _ := io.ReadAll(c)
		return string(text)
	}
	s.Service = said("tcp", "mainnet.infura.io:443")
	s.Anywhere = said("tcp", "203.0.113.9:8545")
	s.Datagram = asked("203.0.113.9:443")
	s.Outside = said("tcp", "127.0.0.1:"+os.Getenv(outsideVariable))
	public := net.Resolver{PreferGo: true, Dial: func(ctx context.Context, network, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, network, "8.8.8.8:53")
	}}
	addresses, err := public.LookupHost(context.Background(), "eth-mainnet.g.alchemy.com")
	s.HardCoded = strings.Join(addresses, ",")
	if err != nil {
		s.HardCoded = err.Error()
	}
	interfaces, _ := net.Interfaces()
	s.Interfaces = len(interfaces)
	processes, _ := filepath.Glob("/proc/[0-9]*")
	s.Processes = len(processes)
	_, err = net.Dial("unix", "/var/run/docker.sock")
	s.Docker = err == nil
	return s
}

// asked sends a datagram and gives the answer.
func asked(address string) string {
	c, err := net.Dial("udp4", address)
	if err != nil {
		return err.Error()
	}
	defer c.Close()
	_ = c.SetDeadline(time.Now().Add(5 * time.Second))
	text := make([]byte, 1000)
	_, err = io.WriteString(c, "?")
	n, readErr := c.Read(text)
	if err := errors.Join(err, readErr); err != nil {
		return err.Error()
	}
	return string(text[:n])
}

// start starts the test binary inside a new network, as the given user.
func start(t *testing.T, uid int, env ...string) *exec.Cmd {
	t.Helper()
	outside, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { outside.Close() })
	_, port, _ := net.SplitHostPort(outside.Addr().String())
	folder, err := os.MkdirTemp("", "private") // not t.TempDir, whose parents an ordinary user cannot enter
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(folder) })
	binary := filepath.Join(folder, "test")
	data, err := os.ReadFile("/proc/self/exe")
	if err != nil {
		t.Fatal(err)
	}
	scratch := filepath.Join(folder, "scratch")
	if err := errors.Join(os.WriteFile(binary, data, 0o755), os.Mkdir(scratch, 0o755), os.Chown(scratch, uid, uid), os.Chown(folder, uid, uid)); err != nil {
		t.Fatal(err)
	}
	launcher := exec.Command(binary)
	launcher.Env = append(os.Environ(), roleVariable+"=inner", scratchVariable+"="+scratch, outsideVariable+"="+port, fmt.Sprintf("%s=%d", uidVariable, uid))
	launcher.Env = append(launcher.Env, env...)
	if uid == os.Getuid() {
		Prepare(launcher)
		return launcher
	}
	// An ordinary user makes the namespaces without any privilege: a process of that user does it.
	launcher.Env = append(launcher.Env, roleVariable+"=outer")
	launcher.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: uint32(uid), Gid: uint32(uid)}, Pdeathsig: syscall.SIGKILL}
	return launcher
}

// outer is the process of an ordinary user that starts the inner one.
func outer() error {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	cmd := exec.Command("/proc/self/exe")
	cmd.Env = append(os.Environ(), roleVariable+"=inner")
	cmd.Stdout, cmd.Stderr = os.Stdout, os.Stderr
	Prepare(cmd)
	return cmd.Run()
}

// TestEverythingInsideIsOurs looks around from inside, as root (where the test is) and as an ordinary user.
func TestEverythingInsideIsOurs(t *testing.T) {
	users := []int{os.Getuid()}
	if os.Getuid() == 0 {
		users = append(users, 65534)
	}
	for _, uid := range users {
		t.Run(fmt.Sprintf("uid %d", uid), func(t *testing.T) {
			runtime.LockOSThread()
			defer runtime.UnlockOSThread()
			cmd := start(t, uid)
			out, err := cmd.Output()
			var failed *exec.ExitError
			if errors.As(err, &failed) {
				t.Fatalf("%v: %s", err, failed.Stderr)
			}
			if err != nil {
				t.Fatal(err)
			}
			var s sight
			if err := json.Unmarshal(out, &s); err != nil {
				t.Fatalf("%v: %s", err, out)
			}
			t.Logf("%+v", s)
			if s.UID != uid {
				t.Errorf("the app runs as uid %d, want %d", s.UID, uid)
			}
			if !strings.Contains(s.Resolv, Resolver) {
				t.Errorf("resolv.conf is %q", s.Resolv)
			}
			if s.Service != "infura" {
				t.Errorf("the service by its name said %q", s.Service)
			}
			if s.HardCoded != "198.18.3.4" {
				t.Errorf("a hard-coded resolver said %q", s.HardCoded)
			}
			if s.Anywhere != "203.0.113.9:8545" {
				t.Errorf("a connection to anywhere was taken at %q", s.Anywhere)
			}
			if s.Datagram != "203.0.113.9:443" {
				t.Errorf("a datagram to anywhere was taken at %q", s.Datagram)
			}
			if !strings.Contains(s.Outside, "refused") {
				t.Errorf("the machine's own port said %q", s.Outside)
			}
			if s.Interfaces != 3 {
				t.Errorf("%d interfaces, want the loopback and a pair", s.Interfaces)
			}
			if s.Processes > 3 {
				t.Errorf("%d processes are seen", s.Processes)
			}
			if s.Docker {
				t.Error("the machine's Docker is reached")
			}
		})
	}
}
