package lambda

import (
	"errors"
	"slices"
	"time"
)

// take counts one more invocation, if the function takes it.
func (f *Function) take() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	switch {
	case f.closed:
		return ErrClosed
	case f.cfg.Reserved != nil && f.taken >= *f.cfg.Reserved:
		return ErrThrottled
	}
	f.taken++
	f.running.Add(1)
	return nil
}

// give takes back what take counted.
func (f *Function) give() {
	f.mu.Lock()
	f.taken--
	f.mu.Unlock()
	f.running.Done()
}

// run finds an environment and invokes it. An idle environment may have died unseen: as long as no process took the
// invocation, the next one gets it.
func (f *Function) run(requestID string, payload []byte) (Report, []byte) {
	inv := newInvocation(requestID, payload, f.cfg)
	report := Report{RequestID: inv.id}
	for {
		e := f.unpark()
		if report.Cold = e == nil; report.Cold {
			e, report.Init, report.Err = f.start()
			if report.Err != nil {
				return report, nil
			}
		}
		started := time.Now()
		body, err := e.invoke(inv)
		report.Duration, report.Err = time.Since(started), err
		if errors.Is(err, errNotTaken) {
			e.end()
			if !report.Cold {
				continue // not for ever: every turn uses up an idle environment
			}
			report.Err = e.exitError(inv.id)
		}
		f.park(e)
		return report, body
	}
}

// unpark takes the living environment that was used last, or returns nil.
func (f *Function) unpark() *environment {
	f.mu.Lock()
	defer f.mu.Unlock()
	for len(f.idle) > 0 {
		e := f.idle[len(f.idle)-1]
		f.idle = f.idle[:len(f.idle)-1]
		e.retirement.Stop()
		if e.alive() {
			return e
		}
	}
	return nil
}

// park keeps e for the next invocation, unless it is dead. It is called before the slot is given back, so idle and
// busy environments never exceed the maximum together.
func (f *Function) park(e *environment) {
	if !e.alive() {
		e.end()
		return
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.idle = append(f.idle, e)
	e.retirement = time.AfterFunc(f.idleLimit, func() { f.retire(e) })
}

// retire ends an environment that is idle still.
func (f *Function) retire(e *environment) {
	f.mu.Lock()
	i := slices.Index(f.idle, e)
	if i < 0 || f.closed {
		f.mu.Unlock()
		return
	}
	f.idle = slices.Delete(f.idle, i, i+1)
	f.running.Add(1)
	f.mu.Unlock()
	defer f.running.Done()
	e.end()
}
