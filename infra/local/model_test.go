package local

import (
	"context"
	"crypto/rand"
	"fmt"
	mathrand "math/rand/v2"
	"mime"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"secure-media-cdn/function/issue"
	"secure-media-cdn/function/seal"
	"secure-media-cdn/function/variant"
)

// TestWhatIsServedIsWhatTheModelSaysIsAlive plays 10,000 steps at random: links
// are issued, revoked and expire, viewers sign in and out, keys are rotated. After
// each fetch, of a photo, a variant or a download, it compares with a model that
// knows only what was done.
func TestWhatIsServedIsWhatTheModelSaysIsAlive(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	m := &model{world: w, random: mathrand.New(mathrand.NewPCG(7, 7)), links: map[string]*issued{},
		counts: map[string]int{}}
	m.play(10_000)
}

// model is what was done, and nothing of how.
type model struct {
	*world
	random  *mathrand.Rand
	step    int
	links   map[string]*issued
	order   []string // the hashes of links, as they were issued
	viewers []*viewer
	counts  map[string]int
}

// issued is what the model knows of one link.
type issued struct {
	key        string
	audience   string // empty for whoever holds the link
	generation int
	expires    time.Time
	dead       bool
}

// viewer is somebody who has signed in.
type viewer struct {
	ticket     string
	session    seal.Session
	audiences  []string
	generation int
	expires    time.Time
	ended      bool
}

// rooms are the audiences that there are, besides those of whoever holds a link.
var rooms = []string{"discussion", "discussion/room-1", "discussion/room-2"}

func (m *model) play(steps int) {
	t, ctx, random := m.t, context.Background(), m.random
	for m.step = range steps {
		service := [...]string{"simple-chat", "discussion"}[random.IntN(2)]
		key := fmt.Sprintf("%s/%d.png", service, random.IntN(20))
		if random.IntN(5) == 0 {
			key = fmt.Sprintf("%s/%d.txt", service, random.IntN(3))
		}
		object := "s3://" + m.issuer.Bucket + "/" + key
		switch n := random.IntN(1000); {
		case n < 220:
			m.issue(key)
		case n < 320: // let time pass, seldom in whole seconds
			m.counts["pass"]++
			m.pass(time.Duration(random.Int64N(int64(time.Second << random.IntN(13)))))
		case n < 340 && len(m.order) > 0: // to the last moment of a link that the edge holds
			hash := m.nextToExpire()
			for range 3 {
				m.fetch(hash)
			}
			if left := m.links[hash].expires.Sub(m.time()); left > 0 {
				m.pass(left - min(left, time.Duration(random.Int64N(int64(1500*time.Millisecond)))))
			}
			for range 3 {
				m.fetch(hash)
			}
			m.pass(time.Second)
			m.fetch(hash)
		case n < 370 && len(m.order) > 0:
			m.counts["revoke hash"]++
			hash := m.order[random.IntN(len(m.order))]
			_, err := m.issuer.Revoke(ctx, nil, []string{hash})
			require.NoError(t, err)
			m.links[hash].dead = true
		case n < 400:
			m.counts["revoke object"]++
			m.kill(key, object)
		case n < 420: // delete an object, of which S3 tells the issuer
			m.counts["delete"]++
			m.mu.Lock()
			delete(m.objects, key)
			m.mu.Unlock()
			m.kill(key, object)
		case n < 460:
			m.signIn()
		case n < 470 && len(m.viewers) > 0:
			m.signOut(m.viewers[random.IntN(len(m.viewers))])
		case n < 472:
			m.counts["rotate"]++
			m.rotate(m.generation + 1)
		case len(m.order) > 0: // fetch, mostly what is new
			m.fetch(m.order[max(0, len(m.order)-1-random.IntN(60))])
		}
	}
	for _, name := range []string{
		"issue", "pass", "revoke hash", "revoke object", "delete", "sign in", "sign out", "rotate",
		"cached", "photo", "download", "variant avif", "variant webp", "variant plain",
		"photo itself", "carrier bearer", "carrier query", "carrier cookie", "alive", "alive for a viewer",
		"retired", "expired", "revoked", "no good ticket", "ticket ended", "ticket expired", "ticket retired",
		"ticket of others",
	} {
		assert.Positive(t, m.counts[name], "this never happened: %s", name)
	}
	t.Logf("%v, %d runs of the edge function, %d of the images function", m.counts, m.runs.Load(), m.transforms.Load())
}

// nextToExpire returns the link that expires next, or one that has expired.
func (m *model) nextToExpire() (hash string) {
	for _, h := range m.order {
		if l := m.links[h]; !l.dead && l.expires.After(m.time()) && (hash == "" || l.expires.Before(m.links[hash].expires)) {
			hash = h
		}
	}
	if hash == "" {
		return m.order[0]
	}
	return hash
}

// issue asks for a link, which may be one that there is.
func (m *model) issue(key string) {
	m.counts["issue"]++
	m.upload(key)
	terms := issue.Terms{TTL: time.Second << (3 + m.random.IntN(18))}
	if strings.HasPrefix(key, "discussion/") {
		terms.Audience = rooms[m.random.IntN(len(rooms))]
	}
	out, err := m.issuer.Issue(context.Background(), []string{"s3://" + m.issuer.Bucket + "/" + key}, terms)
	require.NoError(m.t, err)
	require.Nil(m.t, out[0].Err)
	if l := m.links[out[0].Hash]; l != nil {
		require.Equal(m.t, key, l.key, "step %d: a hash changed its object", m.step)
		require.Equal(m.t, terms.Audience, l.audience, "step %d: a hash changed its audience", m.step)
		require.False(m.t, l.dead, "step %d: a dead link was given out again", m.step)
		require.GreaterOrEqual(m.t, l.generation, m.generation-1, "step %d: the key of this link is retired", m.step)
		return
	}
	m.links[out[0].Hash] = &issued{key: key, audience: terms.Audience, generation: m.generation,
		expires: out[0].ExpiresAt}
	m.order = append(m.order, out[0].Hash)
}

// kill revokes an object.
func (m *model) kill(key, object string) {
	_, err := m.issuer.Revoke(context.Background(), []string{object}, nil)
	require.NoError(m.t, err)
	for _, l := range m.links {
		l.dead = l.dead || l.key == key
	}
}

// signIn gives a ticket for some rooms to a viewer.
func (m *model) signIn() {
	m.counts["sign in"]++
	life := time.Second << (4 + m.random.IntN(16))
	v := &viewer{generation: m.generation, expires: m.time().Add(life).Truncate(time.Second)}
	var err error
	v.session, err = seal.NewSession(rand.Reader)
	require.NoError(m.t, err)
	ticket := seal.Ticket{ExpiresAt: v.expires, Session: v.session}
	for _, n := range m.random.Perm(len(rooms))[:1+m.random.IntN(len(rooms))] {
		v.audiences = append(v.audiences, rooms[n])
		ticket.Audiences = append(ticket.Audiences, m.audiences().Audience(rooms[n]))
	}
	v.ticket, err = m.key.SealTicket(ticket)
	require.NoError(m.t, err)
	m.viewers = append(m.viewers, v)
}

// signOut ends a session. The list is pruned when the ticket has expired, which a
// viewer must not notice.
func (m *model) signOut(v *viewer) {
	m.counts["sign out"]++
	v.ended = true
	m.store.Put(seal.SessionEntry(v.session), strconv.FormatInt(v.expires.Unix(), 10))
	for _, other := range m.viewers {
		if other.ended && !m.time().Before(other.expires) {
			m.store.Delete(seal.SessionEntry(other.session))
		}
	}
}

// opens reports whether a ticket is good for an audience: 401, 404 or 200.
func (m *model) opens(v *viewer, audience string) int {
	reason := ""
	switch {
	case v == nil:
		reason = "no good ticket"
	case v.generation < m.generation-1:
		reason = "ticket retired"
	case !m.time().Before(v.expires):
		reason = "ticket expired"
	case v.ended:
		reason = "ticket ended"
	}
	if reason != "" {
		m.counts[reason]++
		return http.StatusUnauthorized
	}
	for _, a := range v.audiences {
		if a == audience {
			return http.StatusOK
		}
	}
	m.counts["ticket of others"]++
	return http.StatusNotFound
}

// carry puts tickets of some viewers into a request, and returns the one that
// counts: the first in the order of the carriers.
func (m *model) carry() (query string, headers []string, counts *viewer) {
	draw := func(carrier string) *viewer {
		if len(m.viewers) == 0 || m.random.IntN(5) > 1 {
			return nil
		}
		v := m.viewers[max(0, len(m.viewers)-1-m.random.IntN(12<<m.random.IntN(3)))]
		if counts == nil {
			m.counts["carrier "+carrier]++
			counts = v
		}
		return v
	}
	if v := draw("bearer"); v != nil {
		headers = append(headers, "Authorization", "Bearer "+v.ticket)
	}
	if v := draw("query"); v != nil {
		query = "?a=b&" + seal.TicketQuery + "=" + v.ticket
	}
	if v := draw("cookie"); v != nil {
		headers = append(headers, "Cookie", "a=b; "+seal.TicketCookie+"="+v.ticket+"; c=d")
	}
	return query, headers, counts
}

// accepts are what viewers send, and the format that they must get.
var accepts = []struct {
	header string
	format variant.Format
}{
	{"image/avif,image/webp,image/apng,image/svg+xml,image/*,*/*;q=0.8", variant.AVIF},
	{"image/webp, */*", variant.WebP},
	{"image/avif;q=0,image/webp", variant.WebP},
	{"image/*", variant.Plain},
	{"", variant.Plain},
}

// fetch fetches a link in one of its forms, as one of the viewers, and holds the
// answer against the model.
func (m *model) fetch(hash string) {
	l, accept := m.links[hash], accepts[m.random.IntN(len(accepts))]
	query, headers, viewer := m.carry()
	path, form := seal.LinkPath(hash), "photo"
	switch m.random.IntN(6) {
	case 0, 1:
	case 2:
		path, form = seal.VariantPath(hash, seal.Download), "download"
	default:
		form = [...]string{"w8", "square", "blur"}[m.random.IntN(3)]
		path = seal.VariantPath(hash, form)
		m.counts["variant "+string(accept.format)]++
	}
	m.counts[form]++
	if accept.header != "" {
		headers = append(headers, "Accept", accept.header)
	}
	a := m.get(path+query, headers...)
	cached := strings.HasPrefix(a.Header().Get("X-Cache"), "Hit")
	if cached {
		m.counts["cached"]++
	}
	left := l.expires.Sub(m.time())
	what := fmt.Sprintf("step %d: %s of a link with %v left, %s", m.step, form, left, a.Header().Get("X-Cache"))
	status, why := http.StatusOK, ""
	switch {
	case l.generation < m.generation-1:
		status, why = http.StatusNotFound, "retired"
	case left <= 0:
		status, why = http.StatusForbidden, "expired"
	default:
		if l.audience != "" {
			status = m.opens(viewer, l.audience)
		}
		if l.dead && status == http.StatusOK {
			status, why = http.StatusNotFound, "revoked"
		}
	}
	if why != "" {
		m.counts[why]++
	}
	resized := form != "photo" && form != "download"
	if status == http.StatusOK && resized && strings.HasSuffix(l.key, ".txt") {
		m.counts["photo itself"]++
		require.Equal(m.t, http.StatusFound, a.Code, what)
		require.Equal(m.t, seal.LinkPath(hash), a.Header().Get("Location"), what)
		require.Empty(m.t, a.Body, what)
		m.mayBeKept(what, l, left, a)
		return
	}
	require.Equal(m.t, status, a.Code, "%s, %s: %s", what, why, a.Body)
	if status != http.StatusOK {
		require.Equal(m.t, "no-store", a.Header().Get("Cache-Control"), what)
		require.NotContains(m.t, a.Header().Get("Content-Type"), "image", what)
		require.NotContains(m.t, a.Body.String(), "no picture", what)
		return
	}
	m.counts["alive"]++
	if l.audience != "" {
		m.counts["alive for a viewer"]++
	}
	m.shows(what, l, form, accept.format, a)
	m.mayBeKept(what, l, left, a)
}

// shows holds what an answer shows against the model.
func (m *model) shows(what string, l *issued, form string, format variant.Format, a *httptest.ResponseRecorder) {
	body, kind := photo(l.key), kindOf(l.key)
	disposition, parameters, _ := mime.ParseMediaType(a.Header().Get("Content-Disposition"))
	switch form {
	case "photo":
	case "download":
		_, name, _ := strings.Cut(l.key, "/")
		require.Equal(m.t, "attachment", disposition, what)
		require.Equal(m.t, name, parameters["filename"], what)
	default:
		body, kind = m.picture(l.key, form, format)
		require.Contains(m.t, a.Header().Values("Vary"), "Accept", what)
	}
	require.Equal(m.t, kind, a.Header().Get("Content-Type"), what)
	require.Equal(m.t, body, a.Body.Bytes(), what)
	require.Equal(m.t, form == "download", disposition != "", what)
}

var maxAge = regexp.MustCompile(`(?:^|, )max-age=(\d+)`)
var sharedMaxAge = regexp.MustCompile(`(?:^|, )s-maxage=(\d+)`)

// mayBeKept checks that no cache behind the edge keeps an answer for longer than
// its link lives, and that only the browser keeps what is for viewers with tickets.
func (m *model) mayBeKept(what string, l *issued, left time.Duration, a *httptest.ResponseRecorder) {
	control := a.Header().Get("Cache-Control")
	age, _ := strconv.Atoi(a.Header().Get("Age"))
	seconds := func(of *regexp.Regexp) time.Duration {
		found := of.FindStringSubmatch(control)
		require.NotNil(m.t, found, "%s: %s", what, control)
		n, err := strconv.Atoi(found[1])
		require.NoError(m.t, err)
		return time.Duration(n) * time.Second
	}
	fresh := seconds(maxAge) - time.Duration(age)*time.Second
	// Age is in whole seconds, rounded down.
	require.LessOrEqual(m.t, fresh, max(0, left)+time.Second, "%s: %s, Age %d", what, control, age)
	if l.audience == "" {
		require.LessOrEqual(m.t, seconds(maxAge), worldBrowserCache, what)
		require.LessOrEqual(m.t, seconds(sharedMaxAge)-time.Duration(age)*time.Second, left+time.Second, what)
		require.True(m.t, strings.HasPrefix(control, "public, "), "%s: %s", what, control)
		return
	}
	require.LessOrEqual(m.t, fresh, worldViewerCache, "%s: %s, Age %d", what, control, age)
	require.True(m.t, strings.HasPrefix(control, "private, "), "%s: %s", what, control)
	require.NotContains(m.t, control, "public", what)
	require.NotContains(m.t, control, "s-maxage", what)
}
