package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"secure-media-cdn/infra/local/machine"
)

// program is the built command, which the tests start as a person would.
var program string

func TestMain(m *testing.M) {
	dir, err := os.MkdirTemp("", "e2e")
	if err == nil {
		program = filepath.Join(dir, "local")
		var out []byte
		if out, err = exec.Command("go", "build", "-o", program, ".").CombinedOutput(); err != nil {
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
	t       *testing.T
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
func startProgram(t *testing.T, dir string, args ...string) *running {
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
	readJSON(t, filepath.Join(dir, "endpoints.json"), &endpoints)
	r.s3 = s3.New(s3.Options{
		Region: "eu-central-1", BaseEndpoint: aws.String(endpoints["AWS_ENDPOINT_URL_S3"]), UsePathStyle: true,
		Credentials: aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) { return machine.Local, nil }),
	})
	return r
}

// command runs the program among settings of the host that must not reach it.
func command(args ...string) *exec.Cmd {
	cmd := exec.Command(program, args...)
	cmd.Env = append(os.Environ(), "AWS_ACCESS_KEY_ID=host", "AWS_SECRET_ACCESS_KEY=host", "AWS_REGION=mars-north-1", "AWS_ENDPOINT_URL_DYNAMODB=http://127.0.0.1:1", "AWS_PROFILE=none")
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

func readJSON(t *testing.T, path string, into any) {
	t.Helper()
	data, err := os.ReadFile(path)
	require.NoError(t, err)
	require.NoError(t, json.Unmarshal(data, into))
}

// noRedirects leaves a 302 as it is.
var noRedirects = &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}

type reply struct {
	*http.Response
	body []byte
}

func (a reply) cache() string { return a.Header.Get("X-Cache") }

func fetch(t *testing.T, method, url string, headers ...string) reply {
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
	_, err := r.s3.PutObject(r.t.Context(), &s3.PutObjectInput{Bucket: &bucket, Key: &key, Body: bytes.NewReader(body), ContentType: aws.String("image/png")})
	require.NoError(r.t, err)
	return "s3://" + bucket + "/" + key
}

// issue asks the issuer for a link of so many seconds; 0 is the usual life.
func (r *running) issue(object string, seconds int) string {
	r.t.Helper()
	return r.ask(object, seconds).URL
}

func (r *running) ask(object string, seconds int) machine.Link {
	r.t.Helper()
	link, err := machine.Ask(r.t.Context(), r.outputs["issuerUrl"].(string), "eu-central-1", object, seconds)
	require.NoError(r.t, err)
	return link
}

func TestTheStackServesAPrivatePhotoThroughALink(t *testing.T) {
	t.Parallel()
	r := startProgram(t, t.TempDir())

	first := fetch(t, "GET", r.link)
	assert.Equal(t, 200, first.StatusCode)
	assert.Equal(t, "Miss from cloudfront", first.cache())
	assert.Equal(t, "image/jpeg", first.Header.Get("Content-Type"))
	assert.True(t, bytes.Equal(sample, first.body), "byte for byte")
	second := fetch(t, "GET", r.link)
	assert.Equal(t, "Hit from cloudfront", second.cache())
	assert.True(t, bytes.Equal(sample, second.body))

	head := fetch(t, "HEAD", r.link)
	assert.Equal(t, 200, head.StatusCode)
	assert.Equal(t, strconv.Itoa(len(sample)), head.Header.Get("Content-Length"))
	assert.Empty(t, head.body)
	part := fetch(t, "GET", r.link, "Range", "bytes=10-19")
	assert.Equal(t, 206, part.StatusCode)
	assert.Equal(t, sample[10:20], part.body)
	assert.Equal(t, fmt.Sprintf("bytes 10-19/%d", len(sample)), part.Header.Get("Content-Range"))
	same := fetch(t, "GET", r.link, "If-None-Match", first.Header.Get("ETag"))
	assert.Equal(t, 304, same.StatusCode)
	assert.Empty(t, same.body)

	t.Run("whatever is no link is refused", func(t *testing.T) {
		for path, status := range map[string]int{
			"/images/" + strings.Repeat("A", 32):        404,
			"/simple-chat/sample.jpg":                   404,
			"/discussion/sample.jpg":                    404, // the very key of the sample
			"/":                                         404,
			"/images/../discussion/sample.jpg":          404,
			"/marketplace/../discussion/sample.jpg":     404,
			"/marketplace/%2e%2e/discussion/sample.jpg": 404,
			"/marketplace/nothing.jpg":                  403, // S3 does not tell what is missing
		} {
			a := fetch(t, "GET", r.base+path)
			assert.Equal(t, status, a.StatusCode, path)
			assert.NotContains(t, string(a.body), "sample.jpg", path)
			assert.NotEqual(t, "Hit from cloudfront", fetch(t, "GET", r.base+path).cache(), "an error is not kept: %s", path)
		}
		unsigned := fetch(t, "GET", *r.s3.Options().BaseEndpoint+"/"+r.outputs["mediaBucket"].(string)+"/discussion/sample.jpg")
		assert.Equal(t, 403, unsigned.StatusCode)
	})
	t.Run("odd keys arrive as they are", func(t *testing.T) {
		// "//" and ".." are missing: the S3 server keeps objects as files.
		for _, key := range []string{"a b+c.png", "100%25.png", "a%2Fb.png", "what?.png", "a#b.png", "ü/日本.png", "'\"(!*)&=;@$,:.png"} {
			body := []byte("the photo named " + key)
			a := fetch(t, "GET", r.issue(r.upload("simple-chat/"+key, body), 0))
			assert.Equal(t, 200, a.StatusCode, key)
			assert.Equal(t, string(body), string(a.body), key)
		}
	})
	t.Run("a public service needs no link", func(t *testing.T) {
		object := r.upload("marketplace/odd name+.png", []byte("public"))
		url := r.issue(object, 0)
		assert.Equal(t, r.base+"/marketplace/odd%20name%2B.png", url)
		assert.Equal(t, "public", string(fetch(t, "GET", url).body))
	})
	t.Run("a dead function process costs at most the request in flight", func(t *testing.T) {
		for round := range 2 {
			pids := processes(t, r.cmd.Process.Pid, "edge")
			require.NotEmpty(t, pids, "round %d", round)
			for _, pid := range pids {
				require.NoError(t, syscall.Kill(pid, syscall.SIGKILL))
			}
			link := r.issue(r.upload(fmt.Sprintf("simple-chat/after%d.png", round), []byte("alive")), 0)
			failed := 0
			for fetch(t, "GET", link).StatusCode != 200 {
				failed++
				require.LessOrEqual(t, failed, 1)
			}
		}
	})
	t.Run("a function process killed in mid-request fails that request alone", func(t *testing.T) {
		const kills = 3
		failed, killed := 0, 0
		for n := range 60 {
			if n%20 == 10 {
				killed++
				go func() {
					for _, pid := range processes(t, r.cmd.Process.Pid, "edge") {
						_ = syscall.Kill(pid, syscall.SIGKILL)
					}
				}()
			}
			// Nothing is cached of a hash that does not exist: each one is a run.
			if fetch(t, "GET", r.base+"/images/"+fmt.Sprintf("%032d", n)).StatusCode != 404 {
				failed++
			}
		}
		assert.Equal(t, kills, killed)
		assert.LessOrEqual(t, failed, kills)
	})
	t.Run("an object that is deleted takes its links along", func(t *testing.T) {
		object := r.upload("simple-chat/gone+soon.png", []byte("here"))
		link := r.issue(object, 0)
		require.Equal(t, 200, fetch(t, "GET", link).StatusCode)
		bucket, key, _ := strings.Cut(strings.TrimPrefix(object, "s3://"), "/")
		_, err := r.s3.DeleteObject(t.Context(), &s3.DeleteObjectInput{Bucket: &bucket, Key: &key})
		require.NoError(t, err)
		assert.Eventually(t, func() bool { return fetch(t, "GET", link).StatusCode == 404 }, time.Minute, 50*time.Millisecond)
	})
	t.Run("a short link dies in time, though the edge holds the photo", func(t *testing.T) {
		link := r.ask(r.upload("simple-chat/short.png", []byte("short")), 4)
		require.Equal(t, 200, fetch(t, "GET", link.URL).StatusCode)
		hits := 0
		for {
			asked := time.Now()
			a := fetch(t, "GET", link.URL)
			if a.StatusCode == 200 {
				require.True(t, asked.Before(link.ExpiresAt), "no request after the link's end gets the photo")
				if a.cache() == "Hit from cloudfront" {
					hits++
				}
				time.Sleep(20 * time.Millisecond)
				continue
			}
			assert.Equal(t, 403, a.StatusCode)
			assert.Contains(t, string(a.body), "expired")
			break
		}
		assert.Positive(t, hits, "it was held until then")
	})
	t.Run("no secret and no key of an object is printed", func(t *testing.T) {
		assert.NotContains(t, r.said(), "short.png")
		assert.NotContains(t, r.said(), machine.Local.SecretAccessKey)
	})
	t.Run("Ctrl-C leaves nothing behind", func(t *testing.T) {
		children := processes(t, r.cmd.Process.Pid, "")
		require.GreaterOrEqual(t, len(children), 3, "two engines and a function")
		r.interrupt()
		for _, pid := range children {
			assert.Error(t, syscall.Kill(pid, 0), "process %d lives on", pid)
		}
		_, err := net.Dial("tcp", strings.TrimPrefix(r.base, "http://"))
		assert.Error(t, err, "the port is free")
		assert.Equal(t, 0, r.cmd.ProcessState.ExitCode())
	})
}

func TestRedirectDeliverySendsViewersToShortLivedAddresses(t *testing.T) {
	t.Parallel()
	r := startProgram(t, t.TempDir(), "--config", "delivery=redirect", "--config", "signatureTtlSeconds=2")
	var location string
	for range 3 {
		a := fetch(t, "GET", r.link)
		require.Equal(t, 302, a.StatusCode)
		assert.Equal(t, "private, no-store", a.Header.Get("Cache-Control"))
		assert.NotEqual(t, "Hit from cloudfront", a.cache(), "a signed address is one viewer's alone")
		location = a.Header.Get("Location")
	}
	now := fetch(t, "GET", location)
	assert.Equal(t, 200, now.StatusCode)
	assert.True(t, bytes.Equal(sample, now.body))
	assert.Eventually(t, func() bool { return fetch(t, "GET", location).StatusCode == 403 }, time.Minute, 100*time.Millisecond)
	assert.NotContains(t, r.said(), "X-Amz-Signature")

	children := processes(t, r.cmd.Process.Pid, "")
	require.GreaterOrEqual(t, len(children), 3, "two engines and a function")
	require.NoError(t, r.cmd.Process.Kill())
	for _, pid := range children {
		assert.Eventually(t, func() bool { return !alive(pid) }, time.Minute, 10*time.Millisecond, "process %d outlives the program that was killed", pid)
	}
}

// alive reports whether the process is there and has not ended; who is to take
// note of an orphan's end may be slow.
func alive(pid int) bool {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	return err == nil && !strings.Contains(string(stat), ") Z ")
}

func TestStateSurvivesARestartAndSealedLinksHoldOnHits(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	r := startProgram(t, dir, "--sealed")
	link := r.link
	revoked := r.issue(r.upload("simple-chat/revoked.png", []byte("revoked")), 0)
	require.Equal(t, 200, fetch(t, "GET", revoked).StatusCode)
	require.Equal(t, "Hit from cloudfront", fetch(t, "GET", revoked).cache())
	require.NoError(t, machine.Revoke(t.Context(), r.outputs["issuerUrl"].(string), "eu-central-1", revoked[strings.LastIndex(revoked, "/")+1:]))
	assert.Equal(t, 404, fetch(t, "GET", revoked).StatusCode, "on the very next request, though it was cached")

	forged := link[:len(link)-1] + flip(link[len(link)-1])
	a := fetch(t, "GET", forged)
	assert.Equal(t, 404, a.StatusCode)
	assert.Equal(t, "FunctionGeneratedResponse from cloudfront", a.cache(), "the gate refused it")
	short := r.issue(r.upload("simple-chat/short.png", []byte("short")), 2)
	require.Equal(t, 200, fetch(t, "GET", short).StatusCode)
	assert.Eventually(t, func() bool { return fetch(t, "GET", short).StatusCode == 403 }, time.Minute, 50*time.Millisecond)
	r.interrupt()

	again := startProgram(t, dir, "--sealed")
	assert.Equal(t, link[strings.LastIndex(link, "/"):], again.link[strings.LastIndex(again.link, "/"):], "the same link, since the object has one already")
	assert.Equal(t, 200, fetch(t, "GET", again.link).StatusCode)
	assert.Equal(t, 404, fetch(t, "GET", again.base+revoked[strings.LastIndex(revoked, "/images"):]).StatusCode, "a revocation survives")
	again.interrupt()

	afresh := startProgram(t, dir, "--sealed", "--clean")
	assert.NotEqual(t, link[strings.LastIndex(link, "/"):], afresh.link[strings.LastIndex(afresh.link, "/"):])
}

func flip(c byte) string {
	if c == 'A' {
		return "B"
	}
	return "A"
}

func TestWhatCannotStartSaysWhyInOneSentence(t *testing.T) {
	t.Parallel()
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer taken.Close()
	elsewhere := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(elsewhere, "go.mod"), []byte("module elsewhere\n"), 0o644))
	root, err := filepath.Abs("../..")
	require.NoError(t, err)
	inUse := t.TempDir()
	lock, err := os.Create(filepath.Join(inUse, "lock"))
	require.NoError(t, err)
	defer lock.Close()
	require.NoError(t, syscall.Flock(int(lock.Fd()), syscall.LOCK_EX))
	goOnly := t.TempDir()
	goTool, err := exec.LookPath("go")
	require.NoError(t, err)
	require.NoError(t, os.Symlink(goTool, filepath.Join(goOnly, "go")))
	for _, tt := range []struct {
		name string
		cwd  string
		path string
		args []string
		want []string
	}{
		{name: "a port in use", args: []string{"--port", strconv.Itoa(taken.Addr().(*net.TCPAddr).Port)}, want: []string{"port", "is in use: choose another with PORT="}},
		{name: "a missing engine", cwd: elsewhere, want: []string{"dynoxide is not installed: run `make tools`"}},
		{name: "a missing Python", path: goOnly, want: []string{"python3 is not installed"}},
		{name: "a missing Go", path: elsewhere, want: []string{"the go command was not found"}},
		{name: "a broken value", args: []string{"--config", "delivery=pigeon"}, want: []string{"delivery", "pigeon", "origin"}},
		{name: "several broken values", args: []string{"--config", "delivery=pigeon", "--config", "priceClass=cheap"}, want: []string{"pigeon", "; config priceClass"}},
		{name: "a key that does not exist", args: []string{"--config", "delivrey=origin"}, want: []string{"delivrey"}},
		{name: "an override without a value", args: []string{"--config", "delivery"}, want: []string{"--config"}},
		{name: "a stack that does not exist", args: []string{"--stack", "nowhere"}, want: []string{"nowhere"}},
		{name: "state in use", args: []string{"--dir", inUse}, want: []string{"in use by another run"}},
		{name: "state in use, to be deleted", args: []string{"--dir", inUse, "--clean"}, want: []string{"in use by another run"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			cmd := command(append([]string{"--port", "0", "--root", root, "--dir", t.TempDir()}, tt.args...)...)
			cmd.Dir = tt.cwd
			if tt.path != "" {
				cmd.Env = append(cmd.Env, "PATH="+tt.path)
			}
			var stderr bytes.Buffer
			cmd.Stderr = &stderr
			out, err := cmd.Output()
			require.Error(t, err)
			assert.Equal(t, 1, cmd.ProcessState.ExitCode())
			for _, want := range tt.want {
				assert.Contains(t, stderr.String(), want)
			}
			assert.Equal(t, 1, strings.Count(stderr.String(), "\n"), "one sentence: %s", stderr.String())
			assert.NotContains(t, string(out), "ready:")
		})
	}
}

// processes returns the program's descendants whose command has the name, or
// all of them.
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
