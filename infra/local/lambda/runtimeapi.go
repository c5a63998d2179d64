package lambda

import (
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"time"
)

// The Runtime API: https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html
const (
	apiVersion = "/2018-06-01/runtime"

	headerRequestID    = "Lambda-Runtime-Aws-Request-Id"
	headerDeadline     = "Lambda-Runtime-Deadline-Ms"
	headerFunctionARN  = "Lambda-Runtime-Invoked-Function-Arn"
	headerTraceID      = "Lambda-Runtime-Trace-Id"
	headerErrorType    = "Lambda-Runtime-Function-Error-Type"
	headerErrorBody    = "Lambda-Runtime-Function-Error-Body"
	headerResponseMode = "Lambda-Runtime-Function-Response-Mode"
)

// maxResponse is Lambda's limit on a synchronous answer.
// https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html
const maxResponse = 6 << 20

// invocation is one request on its way through an environment.
type invocation struct {
	id       string
	trace    string
	arn      string
	payload  []byte
	timeout  time.Duration
	deadline time.Time
	done     chan answer // holds the one answer
}

type answer struct {
	body []byte
	err  error
}

// NewRequestID returns a name for an invocation.
func NewRequestID() string {
	var b [16]byte
	_, _ = rand.Read(b[:]) // never fails
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:])
}

func newInvocation(id string, payload []byte, cfg Config) *invocation {
	var b [12]byte
	_, _ = rand.Read(b[:]) // never fails
	return &invocation{
		id:      id,
		trace:   fmt.Sprintf("Root=1-%08x-%x;Parent=%x;Sampled=0", time.Now().Unix(), b[:12], b[:8]),
		arn:     cfg.ARN,
		payload: payload,
		timeout: cfg.Timeout,
		done:    make(chan answer, 1),
	}
}

// start begins the invocation's time and returns its end.
func (inv *invocation) start() time.Time {
	inv.deadline = time.Now().Add(inv.timeout)
	return inv.deadline
}

func (e *environment) routes() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET "+apiVersion+"/invocation/next", e.next)
	mux.HandleFunc("POST "+apiVersion+"/invocation/{id}/response", e.response)
	mux.HandleFunc("POST "+apiVersion+"/invocation/{id}/error", e.invocationError)
	mux.HandleFunc("POST "+apiVersion+"/init/error", e.reportInitError)
	return mux
}

// next blocks until there is work, and hands it out.
func (e *environment) next(w http.ResponseWriter, r *http.Request) {
	e.mu.Lock()
	busy := e.current != nil
	e.mu.Unlock()
	if busy {
		refuse(w, http.StatusForbidden, "InvalidStateTransition", "an invocation is still waiting for its answer")
		return
	}
	e.firstPoll.Do(func() { close(e.polled) })
	var inv *invocation
	select {
	case inv = <-e.work:
	case <-r.Context().Done():
		return
	}
	if r.Context().Err() != nil {
		inv.done <- answer{err: errNotTaken} // the process hung up at the same time
		return
	}
	e.mu.Lock()
	e.current = inv
	e.mu.Unlock()
	h := w.Header()
	h.Set("Content-Type", "application/json")
	h.Set(headerRequestID, inv.id)
	h.Set(headerDeadline, strconv.FormatInt(inv.deadline.UnixMilli(), 10))
	h.Set(headerFunctionARN, inv.arn)
	h.Set(headerTraceID, inv.trace)
	h.Set("Content-Length", strconv.Itoa(len(inv.payload)))
	_, _ = w.Write(inv.payload) // a process that dies here fails the invocation by its end
}

// response takes the function's answer. aws-lambda-go sends it in chunks and reports an error in mid-stream in the
// trailers.
func (e *environment) response(w http.ResponseWriter, r *http.Request) {
	inv := e.take(w, r)
	if inv == nil {
		return
	}
	if r.Header.Get(headerResponseMode) != "" {
		e.answer(w, inv, http.StatusNotImplemented, answer{err: e.failure("Runtime.ResponseMode",
			"streamed responses are not implemented here")})
		return
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxResponse))
	var large *http.MaxBytesError
	switch {
	case errors.As(err, &large):
		message := fmt.Sprintf("Response payload size exceeded maximum allowed payload size (%d bytes).", maxResponse)
		e.answer(w, inv, http.StatusRequestEntityTooLarge, answer{err: e.failure("Function.ResponseSizeTooLarge", message)})
	case err != nil:
		e.answer(w, inv, http.StatusBadRequest, answer{err: e.failure("Runtime.TruncatedResponse", err.Error())})
	case r.Trailer.Get(headerErrorType) != "":
		cause, _ := base64.StdEncoding.DecodeString(r.Trailer.Get(headerErrorBody))
		e.answer(w, inv, http.StatusAccepted, answer{err: e.functionError(r.Trailer.Get(headerErrorType), cause)})
	default:
		e.answer(w, inv, http.StatusAccepted, answer{body: body})
	}
}

func (e *environment) invocationError(w http.ResponseWriter, r *http.Request) {
	if inv := e.take(w, r); inv != nil {
		body, _ := io.ReadAll(http.MaxBytesReader(w, r.Body, maxResponse))
		e.answer(w, inv, http.StatusAccepted, answer{err: e.functionError(r.Header.Get(headerErrorType), body)})
	}
}

// reportInitError keeps why init failed; the process ends by itself after it.
func (e *environment) reportInitError(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(http.MaxBytesReader(w, r.Body, maxResponse))
	err := e.functionError(r.Header.Get(headerErrorType), body)
	e.mu.Lock()
	e.initError = err
	e.mu.Unlock()
	accept(w, http.StatusAccepted)
}

// functionError reads the documented error body. A body that is none keeps the header's type, as the type alone is
// what many runtimes send.
func (e *environment) functionError(typ string, body []byte) *Error {
	var doc struct{ ErrorType, ErrorMessage string }
	_ = json.Unmarshal(body, &doc)
	if doc.ErrorType != "" {
		typ = doc.ErrorType
	}
	if typ == "" {
		typ = "Runtime.UnknownReason"
	}
	return e.failure(typ, doc.ErrorMessage)
}

// take claims the invocation that the request's path names; a second answer to it, or one to another invocation, is
// refused.
func (e *environment) take(w http.ResponseWriter, r *http.Request) *invocation {
	e.mu.Lock()
	defer e.mu.Unlock()
	inv := e.current
	if inv == nil || inv.id != r.PathValue("id") {
		refuse(w, http.StatusBadRequest, "InvalidRequestID", "Invalid request ID")
		return nil
	}
	e.current = nil
	return inv
}

func (e *environment) answer(w http.ResponseWriter, inv *invocation, status int, a answer) {
	inv.done <- a
	if status == http.StatusAccepted {
		accept(w, status)
	} else {
		var cause *Error
		errors.As(a.err, &cause)
		refuse(w, status, cause.Type, cause.Message)
	}
}

func accept(w http.ResponseWriter, status int) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_, _ = io.WriteString(w, `{"status":"OK"}`+"\n")
}

func refuse(w http.ResponseWriter, status int, typ, message string) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(map[string]string{"errorType": typ, "errorMessage": message})
}
