package lambda_test

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"secure-media-cdn/infra/local/lambda"
	"secure-media-cdn/infra/local/locked"
)

func TestAnInvocationCarriesWhatLambdaSends(t *testing.T) {
	t.Parallel()
	f := start(t, nil)
	before := time.Now()
	got, err := invoke(f, request{Value: "grüße"})
	require.NoError(t, err)
	assert.Equal(t, "grüße", got.Value)
	assert.Regexp(t, `^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$`, got.ID)
	assert.Equal(t, "arn:aws:lambda:us-east-1:123456789012:function:test:4", got.ARN)
	assert.WithinRange(t, got.Deadline, before.Add(30*time.Second).Truncate(time.Millisecond),
		time.Now().Add(30*time.Second))
}

func TestTheEnvironmentIsLambdasAndNothingOfTheHosts(t *testing.T) {
	t.Setenv("AWS_PROFILE", "production")
	t.Setenv("AWS_SESSION_TOKEN", "the host's")
	t.Setenv("HTTP_PROXY", "http://proxy.example.com")
	f := start(t, func(c *lambda.Config) {
		c.Environment = map[string]string{"AWS_ENDPOINT_URL_DYNAMODB": "http://127.0.0.1:9"}
	})
	got, err := invoke(f, request{Do: "environ"})
	require.NoError(t, err)
	env := map[string]string{}
	for _, line := range got.Env {
		name, value, _ := strings.Cut(line, "=")
		env[name] = value
	}
	for name, want := range map[string]string{
		"AWS_REGION": "eu-central-1", "AWS_DEFAULT_REGION": "eu-central-1",
		"AWS_LAMBDA_FUNCTION_NAME": "test", "AWS_LAMBDA_FUNCTION_VERSION": "4", "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "256",
		"AWS_ACCESS_KEY_ID": "AKID", "AWS_SECRET_ACCESS_KEY": "secret", "_HANDLER": "bootstrap", "TZ": ":UTC",
		"AWS_ENDPOINT_URL_DYNAMODB": "http://127.0.0.1:9",
	} {
		assert.Equal(t, want, env[name], name)
	}
	assert.True(t, listening(env["AWS_LAMBDA_RUNTIME_API"]))
	assert.DirExists(t, env["LAMBDA_TASK_ROOT"])
	for _, name := range []string{"AWS_PROFILE", "AWS_SESSION_TOKEN", "HTTP_PROXY", "HOME", "AWS_EXECUTION_ENV"} {
		assert.NotContains(t, env, name)
	}
}

func TestOneEnvironmentServesOneAfterTheOther(t *testing.T) {
	t.Parallel()
	var reports []lambda.Report
	f := start(t, func(c *lambda.Config) { c.Report = func(r lambda.Report) { reports = append(reports, r) } })
	pids := map[int]bool{}
	for range 20 {
		got, err := invoke(f, request{})
		require.NoError(t, err)
		pids[got.PID] = true
	}
	assert.Len(t, pids, 1)
	require.Len(t, reports, 20)
	assert.True(t, reports[0].Cold)
	assert.Positive(t, reports[0].Init)
	for _, r := range reports[1:] {
		assert.False(t, r.Cold)
		assert.Zero(t, r.Init)
		assert.Positive(t, r.Duration)
	}
}

func TestEnvironmentsStartOnDemandUpToTheMaximum(t *testing.T) {
	t.Parallel()
	f := start(t, func(c *lambda.Config) { c.Concurrency = 3 })
	var mu sync.Mutex
	pids := map[int]int{}
	var callers sync.WaitGroup
	for range 60 {
		callers.Go(func() {
			got, err := invoke(f, request{Do: "wait", Wait: 20 * time.Millisecond})
			assert.NoError(t, err)
			mu.Lock()
			defer mu.Unlock()
			pids[got.PID]++
		})
	}
	callers.Wait()
	assert.Len(t, pids, 3)
}

func TestReservedConcurrencyRefusesWhatIsBeyondIt(t *testing.T) {
	t.Parallel()
	two := 2
	f := start(t, func(c *lambda.Config) { c.Concurrency, c.Reserved = 1, &two })
	var callers sync.WaitGroup
	taken := make(chan struct{}, 2)
	for range 2 { // one runs, one waits
		callers.Go(func() {
			taken <- struct{}{}
			_, err := invoke(f, request{Do: "wait", Wait: 300 * time.Millisecond})
			assert.NoError(t, err)
		})
	}
	<-taken
	<-taken
	assert.Eventually(t, func() bool {
		_, err := invoke(f, request{})
		return errors.Is(err, lambda.ErrThrottled)
	}, time.Minute, time.Millisecond)
	callers.Wait()
	_, err := invoke(f, request{})
	require.NoError(t, err, "after them there is room again")

	none := 0
	_, err = invoke(start(t, func(c *lambda.Config) { c.Reserved = &none }), request{})
	require.ErrorIs(t, err, lambda.ErrThrottled, "none reserved is a function switched off")
}

func TestAnIdleEnvironmentEnds(t *testing.T) {
	t.Parallel()
	f := start(t, nil)
	lambda.SetIdleLimit(f, 50*time.Millisecond)
	first, err := invoke(f, request{})
	require.NoError(t, err)
	assert.Eventually(t, func() bool { return !running(first.PID) }, time.Minute, time.Millisecond)
	second, err := invoke(f, request{})
	require.NoError(t, err, "and another one takes the next invocation")
	assert.NotEqual(t, first.PID, second.PID)
}

func TestAFunctionsErrorsAreTyped(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		do, value, wantType, wantMessage, wantWords string
		survives                                    bool
	}{
		"an error that the handler returns": {"fail", "no such photo", "errorString", "no such photo", "", true},
		"a panic":                           {"panic", "nil map", "string", "nil map", "", false},
		"a process that exits in mid-invocation": {"exit", "giving up", "Runtime.ExitError", "exit status 7", "giving up",
			false},
		"an answer above six megabytes": {"big", "", "Function.ResponseSizeTooLarge", "6291456", "", false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := start(t, nil)
			first, err := invoke(f, request{})
			require.NoError(t, err)

			_, err = invoke(f, request{Do: tt.do, Value: tt.value})
			var failure *lambda.Error
			require.ErrorAs(t, err, &failure)
			assert.Equal(t, tt.wantType, failure.Type)
			assert.Contains(t, failure.Message, tt.wantMessage)
			assert.Contains(t, failure.LastWords, tt.wantWords)

			after, err := invoke(f, request{})
			require.NoError(t, err, "the next request is served")
			assert.Equal(t, tt.survives, first.PID == after.PID)
		})
	}
}

func TestATimeoutEndsTheEnvironment(t *testing.T) {
	t.Parallel()
	f := start(t, func(c *lambda.Config) { c.Timeout = 500 * time.Millisecond })
	first, err := invoke(f, request{})
	require.NoError(t, err)
	_, err = invoke(f, request{Do: "wait", Wait: time.Hour})
	var failure *lambda.Error
	require.ErrorAs(t, err, &failure)
	assert.Equal(t, "Sandbox.Timedout", failure.Type)
	assert.Equal(t, "Task timed out after 0.50 seconds", failure.Message)
	assert.False(t, running(first.PID))
	assert.False(t, listening(first.API))
	_, err = invoke(f, request{})
	require.NoError(t, err)
}

func TestKillingAProcessCostsAtMostTheRequestInFlight(t *testing.T) {
	t.Parallel()
	var logs locked.Buffer
	f := start(t, func(c *lambda.Config) { c.Logs = &logs })
	pid, failed := inFlight(t, f, &logs)
	other, err := invoke(f, request{})
	require.NoError(t, err)
	require.NotEqual(t, pid, other.PID)
	require.NoError(t, syscall.Kill(pid, syscall.SIGKILL))
	var failure *lambda.Error
	require.ErrorAs(t, <-failed, &failure)
	assert.Contains(t, failure.Message, "signal: killed")

	for range 10 {
		got, err := invoke(f, request{})
		require.NoError(t, err)
		require.NoError(t, syscall.Kill(got.PID, syscall.SIGKILL))
		eventually(t, "the process ends", func() bool { return !running(got.PID) })
	}
	_, err = invoke(f, request{})
	require.NoError(t, err, "an idle process's death costs nothing")
}

func TestInitThatFailsIsReportedWithItsLastWords(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct{ init, wantType, wantMessage, wantWords string }{
		"a process that ends":        {"crash", "Runtime.ExitError", "exit status 3", "config is broken"},
		"a process that never polls": {"hang", "Sandbox.Timedout", "did not poll for work within 2s", "still thinking"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var reports []lambda.Report
			f := start(t, func(c *lambda.Config) {
				c.Environment = map[string]string{"INIT": tt.init}
				c.Report = func(r lambda.Report) { reports = append(reports, r) }
			})
			lambda.SetInitLimit(f, 2*time.Second)
			_, err := invoke(f, request{})
			var failure *lambda.Error
			require.ErrorAs(t, err, &failure)
			assert.Equal(t, tt.wantType, failure.Type)
			assert.Contains(t, failure.Message, tt.wantMessage)
			assert.Contains(t, failure.LastWords, tt.wantWords)
			assert.Contains(t, err.Error(), tt.wantWords)
			require.Len(t, reports, 1)
			assert.Equal(t, err, reports[0].Err)
		})
	}
}

func TestACallerWhoLeavesDoesNotDisturbTheFunction(t *testing.T) {
	t.Parallel()
	f := start(t, func(c *lambda.Config) { c.Concurrency = 1 })
	first, err := invoke(f, request{})
	require.NoError(t, err)
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Millisecond)
	defer cancel()
	_, err = f.Invoke(ctx, []byte(`{"Do":"wait","Wait":200000000}`))
	require.ErrorIs(t, err, context.DeadlineExceeded)
	_, err = f.Invoke(ctx, []byte(`{}`))
	require.ErrorIs(t, err, context.DeadlineExceeded, "waiting for a free environment ends too")
	after, err := invoke(f, request{})
	require.NoError(t, err)
	assert.Equal(t, first.PID, after.PID, "the environment finished its work and lives")
}

func TestCloseLeavesNothing(t *testing.T) {
	t.Parallel()
	var logs locked.Buffer
	f := start(t, func(c *lambda.Config) { c.Logs = &logs })
	got, err := invoke(f, request{Do: "environ"})
	require.NoError(t, err)
	child, err := invoke(f, request{Do: "child"})
	require.NoError(t, err)
	var root string
	for _, line := range got.Env {
		if value, ok := strings.CutPrefix(line, "LAMBDA_TASK_ROOT="); ok {
			root = value
		}
	}
	require.DirExists(t, root)
	busy, failed := inFlight(t, f, &logs)

	require.NoError(t, f.Close())
	require.ErrorIs(t, <-failed, lambda.ErrClosed)
	assert.False(t, running(got.PID) || running(busy))
	assert.False(t, listening(got.API))
	assert.NoDirExists(t, root)
	eventually(t, "a process that the function started ends too", func() bool { return !running(child.PID) })
	_, err = invoke(f, request{})
	require.ErrorIs(t, err, lambda.ErrClosed)
	require.NoError(t, f.Close(), "closing twice is fine")
}

func TestAProcessThatEndsTakesItsChildrenWithIt(t *testing.T) {
	t.Parallel()
	f := start(t, nil)
	child, err := invoke(f, request{Do: "child"})
	require.NoError(t, err)
	_, err = invoke(f, request{Do: "exit"})
	require.Error(t, err)
	eventually(t, "the child ends", func() bool { return !running(child.PID) })
}

func TestProcessesEndWithAParentThatIsKilled(t *testing.T) {
	t.Parallel()
	parent := exec.Command(os.Args[0])
	parent.Env = append(os.Environ(), "PARENT_OF="+writeZip(t, file{"bootstrap", "self", 0o755}), "TMPDIR="+t.TempDir())
	out, err := parent.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, parent.Start())
	t.Cleanup(func() { _ = parent.Process.Kill() })
	line, err := bufio.NewReader(out).ReadString('\n')
	require.NoError(t, err, line)
	var pid int
	_, err = fmt.Sscanf(line, "test | still thinking in %d", &pid)
	require.NoError(t, err, line)
	require.True(t, running(pid))

	require.NoError(t, parent.Process.Kill())
	_ = parent.Wait()
	eventually(t, "the process ends, although it waits for nobody", func() bool { return !running(pid) })
}

func TestLogsComeInWholeLinesWithTheName(t *testing.T) {
	t.Parallel()
	var logs bytes.Buffer
	f := start(t, func(c *lambda.Config) { c.Logs = &logs })
	var callers sync.WaitGroup
	for range 20 {
		callers.Go(func() {
			_, err := invoke(f, request{Do: "print", Value: "one\ntwo\n"})
			assert.NoError(t, err)
		})
	}
	callers.Wait()
	_, err := invoke(f, request{Do: "print", Value: "cut off"})
	require.NoError(t, err)
	require.NoError(t, f.Close())
	assert.Equal(t, 20, strings.Count(logs.String(), "test | one\n"))
	assert.Equal(t, 20, strings.Count(logs.String(), "test | two\n"))
	assert.Equal(t, 1, strings.Count(logs.String(), "test | cut off\n"))
}
