package lambda

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os/exec"
	"sync"
	"syscall"
	"time"
)

// errNotTaken says that an environment ended before its process took the invocation, so that another may have it.
var errNotTaken = errors.New("the environment ended before it took the invocation")

// environment is one execution environment: a process and its Runtime API.
type environment struct {
	function *Function
	cmd      *exec.Cmd
	api      *http.Server
	logs     *lineWriter
	work     chan *invocation
	// retirement ends it when it was idle for long; valid while it is idle.
	retirement *time.Timer

	polled    chan struct{} // closed at the first poll: init is over
	firstPoll sync.Once
	ended     chan struct{} // closed when the process is gone
	exit      error         // valid once ended is closed
	gone      chan struct{} // closed when the port is gone too

	mu        sync.Mutex
	current   *invocation
	initError *Error
}

// start starts an environment and returns once it polls for work, with the time that took. If it does not come so
// far, nothing is left of it.
func (f *Function) start() (*environment, time.Duration, error) {
	started := time.Now()
	e, err := f.spawn()
	if err != nil {
		return nil, 0, fmt.Errorf("starting function %s: %w", f.cfg.Name, err)
	}
	limit := time.NewTimer(f.initLimit)
	defer limit.Stop()
	select {
	case <-e.polled:
		return e, time.Since(started), nil
	case <-e.ended:
		e.end()
		return nil, time.Since(started), e.exitError("")
	case <-limit.C:
		e.end()
		err := e.failure("Sandbox.Timedout", fmt.Sprintf("init did not poll for work within %s", f.initLimit))
		return nil, time.Since(started), err
	case <-f.closing.Done():
		e.end()
		return nil, time.Since(started), ErrClosed
	}
}

func (f *Function) spawn() (*environment, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	e := &environment{
		function: f,
		logs:     &lineWriter{out: f.logs, prefix: f.cfg.Name + " | "},
		work:     make(chan *invocation),
		polled:   make(chan struct{}),
		ended:    make(chan struct{}),
		gone:     make(chan struct{}),
	}
	e.api = &http.Server{Handler: e.routes(), ReadHeaderTimeout: initTimeout}
	e.cmd = exec.Command(f.command[0], f.command[1:]...)
	e.cmd.Dir = f.dir
	e.cmd.Env = append([]string{"AWS_LAMBDA_RUNTIME_API=" + listener.Addr().String()}, f.variables...)
	e.cmd.Stdout, e.cmd.Stderr = e.logs, e.logs
	e.cmd.SysProcAttr = ownGroup()
	// A process that the function left behind may hold the pipe open.
	e.cmd.WaitDelay = time.Second
	if err := e.cmd.Start(); err != nil {
		listener.Close()
		return nil, err
	}
	served := make(chan struct{})
	go func() { _ = e.api.Serve(listener); close(served) }()
	go func() {
		e.exit = e.cmd.Wait()
		e.kill() // what else is left of its group
		e.logs.flush()
		close(e.ended)
		_ = e.api.Close()
		<-served
		close(e.gone)
	}()
	return e, nil
}

// invoke hands inv to the process and waits for the answer, at most until the invocation's deadline; then it ends
// the environment, as Lambda does.
func (e *environment) invoke(inv *invocation) ([]byte, error) {
	deadline, cancel := context.WithDeadline(e.function.closing, inv.start())
	defer cancel()
	select {
	case e.work <- inv:
	case <-e.ended:
		return nil, errNotTaken
	case <-deadline.Done():
		return nil, e.giveUp()
	}
	select {
	case a := <-inv.done:
		return a.body, a.err
	case <-deadline.Done():
		return nil, e.giveUp()
	case <-e.ended:
	}
	select {
	case a := <-inv.done: // it died right after its answer
		return a.body, a.err
	default:
		return nil, e.exitError(inv.id)
	}
}

// giveUp ends an environment that did not answer in time, or whose function is being closed.
func (e *environment) giveUp() error {
	e.end()
	if e.function.closing.Err() != nil {
		return ErrClosed
	}
	return e.failure("Sandbox.Timedout", fmt.Sprintf("Task timed out after %.2f seconds",
		e.function.cfg.Timeout.Seconds()))
}

// exitError explains why the process ended, preferring its own words.
func (e *environment) exitError(requestID string) *Error {
	e.mu.Lock()
	reported := e.initError
	e.mu.Unlock()
	if reported != nil {
		return reported
	}
	message := "Runtime exited without providing a reason"
	if e.exit != nil {
		message = "Runtime exited with error: " + e.exit.Error()
	}
	if requestID != "" {
		message = "RequestId: " + requestID + " Error: " + message
	}
	return e.failure("Runtime.ExitError", message)
}

func (e *environment) failure(typ, message string) *Error {
	return &Error{Function: e.function.cfg.Name, Type: typ, Message: message, LastWords: e.logs.last.String()}
}

func (e *environment) alive() bool {
	select {
	case <-e.ended:
		return false
	default:
		return !exited(e.cmd.Process.Pid) // the news of its end may still be on the way
	}
}

// end kills the process and whatever it started, and waits until they and the port are gone.
func (e *environment) end() {
	if e.alive() { // a dead process's number may be another's by now
		e.kill()
	}
	<-e.gone
}

func (e *environment) kill() { _ = syscall.Kill(-e.cmd.Process.Pid, syscall.SIGKILL) }
