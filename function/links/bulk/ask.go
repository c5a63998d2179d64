package bulk

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"secure-media-cdn/function/issue"
	"secure-media-cdn/function/issue/api"
	"secure-media-cdn/function/issue/client"
)

const (
	// patience is how often a call is made again before the run ends: about ten minutes with longestWait. A client
	// tries for some seconds each time.
	patience    = 15
	longestWait = time.Minute
)

// asker asks for links, and lets all of its callers wait while the issuer is too busy.
type asker struct {
	issue func(ctx context.Context, objects []string) ([]api.Link, error)
	wait  time.Duration // the first one, which doubles

	mu    sync.Mutex
	until time.Time // nobody asks before
}

// ask returns a link, or a problem that stays, for each object.
func (a *asker) ask(ctx context.Context, objects []string) ([]api.Link, error) {
	links := make([]api.Link, len(objects))
	open := make([]int, len(objects)) // those that have neither yet
	for n := range open {
		open[n] = n
	}
	for try := 0; len(open) > 0; try++ {
		if err := a.pause(ctx); err != nil {
			return nil, err
		}
		names := make([]string, len(open))
		for n, place := range open {
			names[n] = objects[place]
		}
		answer, err := a.issue(ctx, names)
		switch {
		case ctx.Err() != nil:
			return nil, ctx.Err()
		case err != nil && (!client.Temporary(err) || try == patience):
			return nil, err
		case err == nil && !slices.EqualFunc(names, answer, func(o string, l api.Link) bool { return l.Object == o }):
			return nil, errors.New("the issuer answered for other objects than it was asked for")
		case err == nil:
			left := settle(links, answer, open)
			if len(left) < len(open) {
				try = 0
			} else if try == patience {
				return nil, fmt.Errorf("the issuer stays too busy: %s", answer[0].Error.Message)
			}
			open = left
		}
		if len(open) > 0 {
			a.rest(min(a.wait<<try, longestWait))
		}
	}
	return links, nil
}

// settle puts the answer in its places and returns those that may get a link later.
func settle(links, answer []api.Link, open []int) (left []int) {
	for n, link := range answer {
		if link.Error != nil && client.TemporaryCode(link.Error.Code) {
			left = append(left, open[n])
		} else {
			links[open[n]] = link
		}
	}
	return left
}

// rest has everybody wait, those who are about to ask as well.
func (a *asker) rest(wait time.Duration) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if until := time.Now().Add(wait); until.After(a.until) {
		a.until = until
	}
}

func (a *asker) pause(ctx context.Context) error {
	for {
		a.mu.Lock()
		left := time.Until(a.until)
		a.mu.Unlock()
		if left <= 0 {
			return ctx.Err()
		}
		if err := issue.Sleep(ctx, left); err != nil {
			return err
		}
	}
}
