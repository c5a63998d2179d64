package bench

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os/exec"
	"strconv"
	"time"
)

// answerTimeout bounds the wait for a process.
const answerTimeout = 10 * time.Second

// environment is one process and its Runtime API. The API is minimal, since its
// own time is part of every figure. It takes the time at the socket: from just
// before an event's bytes are written until its answer's are read.
// https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html
type environment struct {
	cmd     *exec.Cmd
	api     *http.Server
	started time.Time     // just before the process was started
	ended   chan struct{} // closed when the process is gone

	polled  chan struct{} // the process asks for work
	work    chan []byte
	handed  chan time.Time // an event is about to be written
	answers chan answer
}

type answer struct {
	body []byte
	at   time.Time
	err  error
}

// start starts the side's process. The caller ends it.
func (s side) start() (*environment, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	e := &environment{
		ended:  make(chan struct{}),
		polled: make(chan struct{}, 1), work: make(chan []byte),
		handed: make(chan time.Time, 1), answers: make(chan answer, 1),
	}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /2018-06-01/runtime/invocation/next", e.next)
	mux.HandleFunc("POST /2018-06-01/runtime/invocation/1/{outcome}", e.answered)
	mux.HandleFunc("POST /2018-06-01/runtime/init/error", e.answered)
	e.api = &http.Server{Handler: mux}
	go func() { _ = e.api.Serve(listener) }()

	e.cmd = exec.Command(s.command[0], s.command[1:]...)
	e.cmd.Dir = s.dir
	e.cmd.Env = append([]string{
		"AWS_LAMBDA_RUNTIME_API=" + listener.Addr().String(), "LAMBDA_TASK_ROOT=" + s.dir,
	}, s.env...)
	e.cmd.Stdout, e.cmd.Stderr = s.log, s.log // a file: writing to a pipe would wake the bench
	e.started = time.Now()
	if err := e.cmd.Start(); err != nil {
		return nil, errors.Join(fmt.Errorf("starting %s: %w", s.name, err), e.api.Close())
	}
	go func() { _ = e.cmd.Wait(); close(e.ended) }()
	return e, nil
}

func (e *environment) next(w http.ResponseWriter, r *http.Request) {
	e.polled <- struct{}{}
	select {
	case payload := <-e.work:
		h := w.Header()
		h.Set("Content-Type", "application/json")
		h.Set("Content-Length", strconv.Itoa(len(payload)))
		h.Set("Lambda-Runtime-Aws-Request-Id", "1")
		h.Set("Lambda-Runtime-Deadline-Ms", strconv.FormatInt(time.Now().Add(answerTimeout).UnixMilli(), 10))
		h.Set("Lambda-Runtime-Invoked-Function-Arn", "arn:aws:lambda:us-east-1:123456789012:function:bench:1")
		e.handed <- time.Now()
		_, _ = w.Write(payload) // if the process hangs up, ask times out
	case <-r.Context().Done():
	}
}

func (e *environment) answered(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	a := answer{body: body, at: time.Now(), err: err}
	if err == nil && r.PathValue("outcome") != "response" {
		a.err = fmt.Errorf("the function reported an error: %s", body)
	}
	w.WriteHeader(http.StatusAccepted)
	e.answers <- a
}

// ask hands one event to the process as soon as it polls. It returns the answer,
// when the event was handed over and when the answer was there.
func (e *environment) ask(payload []byte) (body []byte, from, to time.Time, err error) {
	ctx, cancel := context.WithTimeout(context.Background(), answerTimeout)
	defer cancel()
	if err := await(ctx, e, e.polled, new(struct{})); err != nil {
		return nil, from, to, err
	}
	e.work <- payload
	var a answer
	if err := errors.Join(await(ctx, e, e.handed, &from), await(ctx, e, e.answers, &a)); err != nil {
		return nil, from, to, err
	}
	return a.body, from, a.at, a.err
}

// settle waits until the process polls again, so that what it does after an
// answer disturbs no other measurement.
func (e *environment) settle() error {
	ctx, cancel := context.WithTimeout(context.Background(), answerTimeout)
	defer cancel()
	if err := await(ctx, e, e.polled, new(struct{})); err != nil {
		return err
	}
	e.polled <- struct{}{}
	return nil
}

func await[T any](ctx context.Context, e *environment, from <-chan T, into *T) error {
	select {
	case *into = <-from:
		return nil
	case <-e.ended:
		return errors.New("the process ended; its output is in a log folder below build/bench")
	case <-ctx.Done():
		return errors.New("the process did not answer in time")
	}
}

// end kills the process and waits until it is gone.
func (e *environment) end() {
	_ = e.cmd.Process.Kill()
	<-e.ended
	_ = e.api.Close()
}
