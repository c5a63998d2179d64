package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"secure-media-cdn/function/issue"
	"secure-media-cdn/function/mapping"
)

// maxTold bounds the wrong answers that are told in words.
const maxTold = 5

// result is what a run came to.
type result struct {
	requests  int // that were to be sent
	took      time.Duration
	bytes     int64
	latencies [classes][]time.Duration
	wrong     [classes]int
	told      []string
}

// drive sends the requests in order over n connections until all are answered
// or ctx ends.
func drive(ctx context.Context, t *target, order []class, n int) *result {
	client := newClient(n)
	defer client.CloseIdleConnections()
	var next, missed atomic.Int64
	parts := make([]result, n)
	began := time.Now()
	var all sync.WaitGroup
	for w := range parts {
		all.Go(func() {
			worker := worker{target: t, client: client, missed: &missed, random: rand.New(rand.NewPCG(3, uint64(w))), result: &parts[w]}
			for i := next.Add(1) - 1; i < int64(len(order)) && ctx.Err() == nil; i = next.Add(1) - 1 {
				worker.ask(ctx, order[i])
			}
		})
	}
	all.Wait()
	sum := &result{requests: len(order), took: time.Since(began)}
	for _, p := range parts {
		sum.add(p)
	}
	return sum
}

func (r *result) add(p result) {
	r.bytes += p.bytes
	for c := range p.latencies {
		r.latencies[c] = append(r.latencies[c], p.latencies[c]...)
		r.wrong[c] += p.wrong[c]
	}
	r.told = append(r.told, p.told[:min(len(p.told), maxTold-len(r.told))]...)
}

// worker is one connection's.
type worker struct {
	*target
	client *http.Client
	missed *atomic.Int64
	random *rand.Rand
	buffer bytes.Buffer
	result *result
}

// question is a request and its right answer.
type question struct {
	url    string
	first  int64 // of the range; whole if last is 0
	last   int64
	status int
	body   []byte // nil for any
	total  int
	cached string // what X-Cache must say, or "" for anything
}

// ask sends one request. One that the end of the run cut short does not count.
func (w *worker) ask(ctx context.Context, c class) {
	q := w.question(c)
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, q.url, nil)
	if err != nil {
		w.wrong(c, err)
		return
	}
	if q.last > 0 {
		request.Header.Set("Range", fmt.Sprintf("bytes=%d-%d", q.first, q.last))
	}
	began := time.Now()
	response, err := w.client.Do(request)
	if err == nil {
		w.buffer.Reset()
		_, err = w.buffer.ReadFrom(io.LimitReader(response.Body, maxBody))
		response.Body.Close()
	}
	took := time.Since(began)
	if ctx.Err() != nil {
		return
	}
	w.result.latencies[c] = append(w.result.latencies[c], took)
	w.result.bytes += int64(w.buffer.Len())
	if err == nil {
		err = q.check(response, w.buffer.Bytes())
	}
	if err != nil {
		w.wrong(c, err)
	}
}

func (w *worker) wrong(c class, err error) {
	w.result.wrong[c]++
	if len(w.result.told) < maxTold {
		w.result.told = append(w.result.told, fmt.Sprintf("%s: %v", c, err))
	}
}

func (w *worker) question(c class) question {
	p := w.warm[w.random.IntN(len(w.warm))]
	switch c {
	case misses:
		p = w.fresh[w.missed.Add(1)-1]
		return question{url: p.url, status: http.StatusOK, body: p.body, cached: "Miss"}
	case ranges:
		size := int64(len(p.body))
		first := w.random.Int64N(size)
		last := min(first+1+w.random.Int64N(size), size-1)
		if last == 0 { // a picture of one byte
			return question{url: p.url, status: http.StatusOK, body: p.body, cached: "Hit"}
		}
		return question{url: p.url, first: first, last: last, status: http.StatusPartialContent, body: p.body[first : last+1], total: len(p.body), cached: "Hit"}
	case forged:
		return question{url: w.base + issue.LinkPath(w.forge()), status: http.StatusNotFound}
	}
	return question{url: p.url, status: http.StatusOK, body: p.body, cached: "Hit"}
}

// forge makes up a hash of the right form.
func (w *worker) forge() string {
	const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
	hash := make([]byte, mapping.HashLength)
	for i := range hash {
		hash[i] = alphabet[w.random.IntN(len(alphabet))]
	}
	return string(hash)
}

// check compares an answer with the right one.
func (q question) check(r *http.Response, body []byte) error {
	said := r.Header.Get("X-Cache")
	want := fmt.Sprintf("bytes %d-%d/%d", q.first, q.last, q.total)
	switch {
	case r.StatusCode != q.status:
		return fmt.Errorf("the status is %d, not %d", r.StatusCode, q.status)
	case q.body != nil && len(body) != len(q.body):
		return fmt.Errorf("the body has %d bytes, not %d", len(body), len(q.body))
	case q.body != nil && !bytes.Equal(body, q.body):
		return errors.New("the body is another")
	case q.status == http.StatusPartialContent && r.Header.Get("Content-Range") != want:
		return fmt.Errorf("the range is %q, not %q", r.Header.Get("Content-Range"), want)
	case q.cached == "Hit" && !isHit(r), q.cached == "Miss" && said != "Miss from cloudfront":
		return fmt.Errorf("X-Cache is %q where a %s was due", said, q.cached)
	}
	return nil
}
