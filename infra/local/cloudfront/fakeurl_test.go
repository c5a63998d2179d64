package cloudfront

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"time"

	"secure-media-cdn/infra/local/cloudfront/conformance"
)

// fakeURL is the function's URL of the scripts. Left alone, it answers with a picture of the format that is asked for.
// Whether a signature is good is not its business: package resources shows that of the real ones.
type fakeURL struct {
	mu     sync.Mutex
	now    func() time.Time
	calls  int
	last   *http.Request
	body   string
	answer *conformance.Step // while set
	down   string            // "down": it closes the connection; "slow": it answers too late
}

func (u *fakeURL) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	u.mu.Lock()
	u.calls++
	u.last, u.body = r, string(body)
	answer, down := u.answer, u.down
	u.mu.Unlock()
	w.Header().Set("Date", u.now().UTC().Format(http.TimeFormat))
	switch {
	case down == "slow":
		<-r.Context().Done()
	case down != "":
		panic(http.ErrAbortHandler)
	case answer != nil:
		scripted(w, *answer)
	default:
		tag := `"` + r.Header.Get("Accept") + `"`
		w.Header().Set("Vary", "Accept")
		w.Header().Set("Cache-Control", "public, max-age=60")
		w.Header().Set("ETag", tag)
		if r.Header.Get("If-None-Match") == tag {
			w.WriteHeader(http.StatusNotModified)
			return
		}
		w.Header().Set("Content-Type", r.Header.Get("Accept"))
		_, _ = io.WriteString(w, "a picture as "+r.Header.Get("Accept"))
	}
}

// step handles "url answer STATUS", "url down", "url slow" and "url normal".
func (u *fakeURL) step(step conformance.Step) error {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.answer, u.down = nil, ""
	switch {
	case strings.HasPrefix(step.Args, "answer "):
		u.answer = &step
	case step.Args == "down" || step.Args == "slow":
		u.down = step.Args
	case step.Args != "normal":
		return fmt.Errorf("the function's URL can answer, be down, slow or normal")
	}
	return nil
}
