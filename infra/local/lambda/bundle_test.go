package lambda_test

import (
	"archive/zip"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	runtime "github.com/aws/aws-lambda-go/lambda"
	"github.com/aws/aws-lambda-go/lambdacontext"
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/stretchr/testify/require"

	"secure-media-cdn/infra/local/lambda"
	"secure-media-cdn/infra/local/locked"
)

// The test binary is its own function: inside a bundle it finds a Runtime API.
func TestMain(m *testing.M) {
	if zip := os.Getenv("PARENT_OF"); zip != "" {
		parent(zip)
	}
	if os.Getenv("AWS_LAMBDA_RUNTIME_API") == "" {
		os.Exit(m.Run())
	}
	switch os.Getenv("INIT") {
	case "crash":
		fmt.Fprintln(os.Stderr, "config is broken")
		os.Exit(3)
	case "hang":
		fmt.Fprintln(os.Stderr, "still thinking in", os.Getpid())
		select {}
	}
	runtime.Start(handle)
}

// parent is a program that runs a function and never ends by itself.
func parent(zip string) {
	cfg := config(zip)
	cfg.Environment, cfg.Logs = map[string]string{"INIT": "hang"}, os.Stdout
	f, err := lambda.New(cfg)
	if err == nil {
		lambda.SetInitLimit(f, time.Hour)
		_, err = f.Invoke(context.Background(), nil)
	}
	fmt.Println("the parent ended:", err)
	os.Exit(1)
}

type request struct {
	Do    string
	Value string
	Wait  time.Duration
}

type reply struct {
	Value    string
	PID      int
	API      string // address of the environment's Runtime API
	Env      []string
	Deadline time.Time
	ID, ARN  string
}

func handle(ctx context.Context, r request) (reply, error) {
	out := reply{Value: r.Value, PID: os.Getpid(), API: os.Getenv("AWS_LAMBDA_RUNTIME_API")}
	out.Deadline, _ = ctx.Deadline()
	if lc, ok := lambdacontext.FromContext(ctx); ok {
		out.ID, out.ARN = lc.AwsRequestID, lc.InvokedFunctionArn
	}
	switch r.Do {
	case "environ":
		out.Env = os.Environ()
	case "print":
		fmt.Print(r.Value)
	case "big":
		out.Value = strings.Repeat("x", 7<<20)
	case "wait":
		fmt.Println("waiting in", os.Getpid())
		time.Sleep(r.Wait)
	case "child":
		child := exec.Command("sleep", "600")
		if err := child.Start(); err != nil {
			return out, err
		}
		out.PID = child.Process.Pid
	case "fail":
		return out, errors.New(r.Value)
	case "panic":
		panic(r.Value)
	case "exit":
		fmt.Fprintln(os.Stderr, r.Value)
		os.Exit(7)
	}
	return out, nil
}

type file struct {
	name, content string
	mode          os.FileMode
}

// writeZip writes a bundle; the content "self" stands for the test binary.
func writeZip(t *testing.T, files ...file) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "bundle.zip")
	out, err := os.Create(path)
	require.NoError(t, err)
	defer out.Close()
	w := zip.NewWriter(out)
	for _, f := range files {
		h := &zip.FileHeader{Name: f.name}
		h.SetMode(f.mode)
		entry, err := w.CreateHeader(h)
		require.NoError(t, err)
		if f.content != "self" {
			_, err = io.WriteString(entry, f.content)
			require.NoError(t, err)
			continue
		}
		self, err := os.Open(os.Args[0])
		require.NoError(t, err)
		_, err = io.Copy(entry, self)
		require.NoError(t, err)
		require.NoError(t, self.Close())
	}
	require.NoError(t, w.Close())
	return path
}

func config(bundle string) lambda.Config {
	return lambda.Config{
		Name: "test", Version: "4", ARN: "arn:aws:lambda:us-east-1:123456789012:function:test:4", Region: "eu-central-1",
		Bundle: bundle, Runtime: lambda.Provided, Handler: "bootstrap", MemoryMB: 256,
		Timeout: 30 * time.Second, Concurrency: 4,
		Credentials: aws.Credentials{AccessKeyID: "AKID", SecretAccessKey: "secret"},
	}
}

// start makes a function of the test binary; change may be nil.
func start(t *testing.T, change func(*lambda.Config)) *lambda.Function {
	t.Helper()
	cfg := config(writeZip(t, file{"bootstrap", "self", 0o755}))
	if change != nil {
		change(&cfg)
	}
	f, err := lambda.New(cfg)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, f.Close()) })
	return f
}

func invoke(f *lambda.Function, r request) (reply, error) {
	payload, err := json.Marshal(r)
	if err != nil {
		return reply{}, err
	}
	body, err := f.Invoke(context.Background(), payload)
	if err != nil {
		return reply{}, err
	}
	var out reply
	return out, json.Unmarshal(body, &out)
}

// running reports whether the process is there. One that only waits for its parent to take note of its end is not;
// one whose threads still end is.
func running(pid int) bool {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return false
	}
	threads, _ := os.ReadDir(fmt.Sprintf("/proc/%d/task", pid))
	return !strings.Contains(string(stat), ") Z ") || len(threads) > 1
}

// inFlight starts an invocation that does not end by itself and returns once a process has it, with the process's
// number and the error to come.
func inFlight(t *testing.T, f *lambda.Function, logs *locked.Buffer) (int, <-chan error) {
	t.Helper()
	failed := make(chan error, 1)
	go func() { _, err := invoke(f, request{Do: "wait", Wait: time.Hour}); failed <- err }()
	var pid int
	eventually(t, "the invocation is in flight", func() bool {
		_, text, found := strings.Cut(logs.String(), "waiting in ")
		n, _ := fmt.Sscan(text, &pid)
		return found && n == 1
	})
	return pid, failed
}

func listening(address string) bool {
	c, err := net.Dial("tcp", address)
	if err != nil {
		return false
	}
	c.Close()
	return true
}

func eventually(t *testing.T, what string, ok func() bool) {
	t.Helper()
	require.Eventually(t, ok, 20*time.Second, 5*time.Millisecond, what)
}
