// Package engine starts the real engines that stand for AWS on one machine:
// dynoxide for DynamoDB and versitygw for S3. The local run and the tests use
// it; nothing that ships does.
//
// `make tools` installs both, at pinned versions, into build/bin.
package engine

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"sync"
	"syscall"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"

	"secure-media-cdn/infra/local/locked"
)

// startTimeout bounds the wait for an engine's first answer; a shared machine
// under load may take seconds where an idle one takes milliseconds.
const startTimeout = 30 * time.Second

// Server is a started engine. It listens on 127.0.0.1 only.
type Server struct {
	// URL is the engine's base address, without a trailing slash.
	URL string

	name string
	cmd  *exec.Cmd
	done chan struct{}
	log  *locked.Tail
	stop sync.Once
}

// DynamoDB starts dynoxide on a free port. The tables live in the SQLite file
// dbPath, or in memory if dbPath is empty. The caller closes the server.
func DynamoDB(ctx context.Context, dbPath string) (*Server, error) {
	return start(ctx, "dynoxide", func(port int) []string {
		args := []string{"--host", "127.0.0.1", "--port", strconv.Itoa(port)}
		if dbPath != "" {
			args = append(args, "--db-path", dbPath)
		}
		return args
	}, nil)
}

// S3 starts versitygw on a free port, keeping everything below dir: buckets as
// folders of dir/buckets, and their metadata beside them in dir/meta, so that
// any file system will do. It checks signatures of the given region and refuses unsigned
// requests. extra are further global flags of versitygw. The caller closes the
// server.
func S3(ctx context.Context, dir, region string, root aws.Credentials, extra ...string) (*Server, error) {
	buckets, meta := filepath.Join(dir, "buckets"), filepath.Join(dir, "meta")
	for _, d := range []string{buckets, meta} {
		if err := os.MkdirAll(d, 0o755); err != nil {
			return nil, fmt.Errorf("starting versitygw: %w", err)
		}
	}
	return start(ctx, "versitygw", func(port int) []string {
		args := []string{"--port", "127.0.0.1:" + strconv.Itoa(port), "--region", region, "--quiet", "--health", "/_health"}
		args = append(args, extra...)
		return append(args, "posix", "--sidecar", meta, buckets)
	}, []string{"ROOT_ACCESS_KEY=" + root.AccessKeyID, "ROOT_SECRET_KEY=" + root.SecretAccessKey})
}

func start(ctx context.Context, name string, args func(port int) []string, env []string) (*Server, error) {
	path, err := find(name)
	if err != nil {
		return nil, err
	}
	// Another process may take the free port between the look and the start:
	// then the engine ends at once, and the next port is tried.
	for attempt := 1; ; attempt++ {
		port, err := freePort()
		if err != nil {
			return nil, fmt.Errorf("starting %s: %w", name, err)
		}
		s := &Server{URL: "http://127.0.0.1:" + strconv.Itoa(port), name: name, done: make(chan struct{}),
			log: &locked.Tail{}}
		s.cmd = exec.Command(path, args(port)...)
		s.cmd.Env = append(env, "HOME="+os.TempDir(), "PATH="+os.Getenv("PATH")) // no AWS_* of the host
		s.cmd.Stdout, s.cmd.Stderr = s.log, s.log
		s.cmd.SysProcAttr = endWithParent()
		if err := s.cmd.Start(); err != nil {
			return nil, fmt.Errorf("starting %s: %w", name, err)
		}
		go func() { _ = s.cmd.Wait(); close(s.done) }()
		err = s.await(ctx)
		if err == nil {
			return s, nil
		}
		s.Close()
		if attempt == 3 || ctx.Err() != nil {
			return nil, fmt.Errorf("starting %s: %w; its last words: %s", name, err, s.log)
		}
	}
}

// await returns once the engine answers HTTP, whatever the status.
func (s *Server) await(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, startTimeout)
	defer cancel()
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	for {
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, s.URL+"/_health", nil)
		if err != nil {
			return err
		}
		if resp, err := client.Do(req); err == nil {
			_, _ = io.Copy(io.Discard, resp.Body)
			return resp.Body.Close()
		}
		select {
		case <-s.done:
			return errors.New("the process ended")
		case <-ctx.Done():
			return errors.New("no answer in time")
		case <-time.After(10 * time.Millisecond):
		}
	}
}

// Done is closed when the engine's process has ended.
func (s *Server) Done() <-chan struct{} { return s.done }

// LastWords returns the end of what the engine printed, to explain an early end.
func (s *Server) LastWords() string { return s.log.String() }

// Close ends the engine and waits until its process is gone: politely first,
// then by force. It may be called more than once.
func (s *Server) Close() {
	s.stop.Do(func() {
		_ = s.cmd.Process.Signal(syscall.SIGTERM)
		select {
		case <-s.done:
		case <-time.After(3 * time.Second):
			_ = s.cmd.Process.Kill()
			<-s.done
		}
	})
}

// find returns the engine's binary in build/bin of the module that holds the
// working directory.
func find(name string) (string, error) {
	dir, err := os.Getwd()
	if err != nil {
		return "", err
	}
	for ; ; dir = filepath.Dir(dir) {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			break
		}
		if dir == filepath.Dir(dir) {
			return "", fmt.Errorf("%s was not found: run this inside the project's folder", name)
		}
	}
	path := filepath.Join(dir, "build", "bin", name)
	if _, err := os.Stat(path); err != nil {
		return "", fmt.Errorf("%s is not installed: run `make tools`", name)
	}
	return path, nil
}

func freePort() (int, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return 0, err
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port, nil
}
