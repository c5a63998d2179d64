package local

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/stretchr/testify/require"

	"secure-media-cdn/function/issue"
	"secure-media-cdn/function/issue/api"
	"secure-media-cdn/function/issue/client"
	"secure-media-cdn/infra/local/resources"
)

// program is the built command, which the tests start as a person would.
var program string

func TestMain(m *testing.M) {
	dir, err := os.MkdirTemp("", "e2e")
	if err == nil {
		program = filepath.Join(dir, "local")
		var out []byte
		if out, err = exec.Command("go", "build", "-o", program, "../cmd/local").CombinedOutput(); err != nil {
			err = fmt.Errorf("%w: %s", err, out)
		}
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	code := m.Run()
	os.RemoveAll(dir)
	os.Exit(code)
}

// running is a stack that runs as a process of its own.
type running struct {
	t       testing.TB
	cmd     *exec.Cmd
	dir     string
	link    string // of the sample
	base    string
	outputs map[string]any
	s3      *s3.Client

	mu    sync.Mutex
	lines []string
	done  chan error
}

// startProgram returns once the program says that it is ready.
func startProgram(t testing.TB, dir string, args ...string) *running {
	t.Helper()
	r := &running{t: t, dir: dir, done: make(chan error, 1)}
	r.cmd = command(append([]string{"--port", "0", "--root", "../..", "--dir", dir}, args...)...)
	out, err := r.cmd.StdoutPipe()
	require.NoError(t, err)
	r.cmd.Stderr = r.cmd.Stdout
	require.NoError(t, r.cmd.Start())
	t.Cleanup(r.interrupt)
	ready := make(chan struct{})
	go func() {
		scanner := bufio.NewScanner(out)
		for scanner.Scan() {
			r.mu.Lock()
			r.lines = append(r.lines, scanner.Text())
			r.mu.Unlock()
			if link, ok := strings.CutPrefix(scanner.Text(), "ready: "); ok {
				r.link = link
				close(ready)
			}
		}
		r.done <- r.cmd.Wait()
	}()
	select {
	case <-ready:
	case err := <-r.done:
		r.done <- err
		t.Fatalf("the program ended before it was ready: %v\n%s", err, r.said())
	case <-time.After(8 * time.Minute): // it may have to compile first
		t.Fatalf("the program is not ready: %s", r.said())
	}
	r.base, _, _ = strings.Cut(r.link, "/images/")
	readJSON(t, filepath.Join(dir, "outputs.json"), &r.outputs)
	var endpoints map[string]string
	readJSON(t, filepath.Join(dir, environmentFile), &endpoints)
	r.s3 = s3.New(s3.Options{
		Region: "eu-central-1", BaseEndpoint: aws.String(endpoints["AWS_ENDPOINT_URL_S3"]), UsePathStyle: true,
		Credentials: resources.Provider,
	})
	return r
}

// command runs the program among settings of the host that must not reach it.
func command(args ...string) *exec.Cmd {
	cmd := exec.Command(program, args...)
	cmd.Env = append(os.Environ(), "AWS_ACCESS_KEY_ID=host", "AWS_SECRET_ACCESS_KEY=host", "AWS_REGION=mars-north-1",
		"AWS_ENDPOINT_URL_DYNAMODB=http://127.0.0.1:1", "AWS_PROFILE=none")
	return cmd
}

func (r *running) said() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return strings.Join(r.lines, "\n")
}

// interrupt does what Ctrl-C does, and waits.
func (r *running) interrupt() {
	_ = r.cmd.Process.Signal(os.Interrupt)
	select {
	case err := <-r.done:
		r.done <- err
	case <-time.After(time.Minute):
		_ = r.cmd.Process.Kill()
		r.t.Error("the program did not end when interrupted")
	}
}

func readJSON(t testing.TB, path string, into any) {
	t.Helper()
	data, err := os.ReadFile(path)
	require.NoError(t, err)
	require.NoError(t, json.Unmarshal(data, into))
}

// noRedirects leaves a 302 as it is.
var noRedirects = &http.Client{CheckRedirect: func(*http.Request,
	[]*http.Request) error {
	return http.ErrUseLastResponse
}}

type reply struct {
	*http.Response
	body []byte
}

func (a reply) cache() string { return a.Header.Get("X-Cache") }

func fetch(t testing.TB, method, url string, headers ...string) reply {
	t.Helper()
	req, err := http.NewRequest(method, url, nil)
	require.NoError(t, err)
	for i := 0; i < len(headers); i += 2 {
		req.Header.Set(headers[i], headers[i+1])
	}
	resp, err := noRedirects.Do(req)
	require.NoError(t, err)
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	require.NoError(t, err)
	return reply{resp, body}
}

// upload puts an object into the bucket and returns its address.
func (r *running) upload(key string, body []byte) string {
	r.t.Helper()
	bucket := r.outputs["mediaBucket"].(string)
	_, err := r.s3.PutObject(r.t.Context(), &s3.PutObjectInput{Bucket: &bucket, Key: &key, Body: bytes.NewReader(body),
		ContentType: aws.String("image/png")})
	require.NoError(r.t, err)
	return "s3://" + bucket + "/" + key
}

// remove deletes an object, as upload named it.
func (r *running) remove(object string) {
	r.t.Helper()
	bucket, key, _ := strings.Cut(strings.TrimPrefix(object, "s3://"), "/")
	_, err := r.s3.DeleteObject(r.t.Context(), &s3.DeleteObjectInput{Bucket: &bucket, Key: &key})
	require.NoError(r.t, err)
}

// issue asks the issuer for a link of so many seconds; 0 is the usual life.
func (r *running) issue(object string, seconds int) string {
	r.t.Helper()
	return r.ask(object, seconds).URL
}

func (r *running) ask(object string, seconds int) api.Link {
	r.t.Helper()
	links, err := r.issuer().Issue(r.t.Context(), []string{object}, issue.Terms{TTL: time.Duration(seconds) * time.Second})
	require.NoError(r.t, err)
	require.Nil(r.t, links[0].Error)
	return links[0]
}

// processes returns the program's descendants whose command has the name, or all of them.
func processes(t *testing.T, parent int, name string) []int {
	t.Helper()
	children, err := os.ReadFile(fmt.Sprintf("/proc/%d/task/%d/children", parent, parent))
	require.NoError(t, err)
	tasks, err := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/children", parent))
	require.NoError(t, err)
	for _, task := range tasks {
		more, err := os.ReadFile(task)
		if err == nil {
			children = append(children, more...)
		}
	}
	seen := map[int]bool{}
	var found []int
	for _, field := range strings.Fields(string(children)) {
		pid, err := strconv.Atoi(field)
		require.NoError(t, err)
		comm, err := os.ReadFile(fmt.Sprintf("/proc/%d/comm", pid))
		if err == nil && !seen[pid] && (name == "" || strings.TrimSpace(string(comm)) == name) {
			seen[pid] = true
			found = append(found, pid)
		}
	}
	return found
}

// alive reports whether the process is there and has not ended; who is to take note of an orphan's end may be slow.
func alive(pid int) bool {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	return err == nil && !strings.Contains(string(stat), ") Z ")
}

// issuer calls the run's issuer as an application would.
func (r *running) issuer() *client.Client {
	r.t.Helper()
	c, err := issuerOf(r.outputs)
	require.NoError(r.t, err)
	return c
}
