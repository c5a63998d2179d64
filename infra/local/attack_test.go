package local

import (
	"crypto/rand"
	"fmt"
	"io"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"secure-media-cdn/infra/local/lambda"
	"secure-media-cdn/infra/local/resources"
)

// attack is one thing that somebody tries who must not succeed. Requests are written byte by byte to a socket: no HTTP
// client of ours or of the standard library may correct them. What CloudFront itself does to a malformed request only a
// deployment can show; here the stand-in's server answers in its place.
type attack struct {
	tries string                // a sentence
	send  string                // the request; the names in braces are those of scene.names
	each  func(*scene) []string // or several, with the same outcome
	want  int                   // the status of the first answer
	sees  bool                  // whether the answer may hold the private photo
	edge  bool                  // whether the edge function may run, and with it the table be read
	read  bool                  // whether the bucket may be read
	lacks []string              // what no answer may say, besides the secrets
	has   []string              // what the answer must say
}

// scene is a running stack with a photo to protect, and what an attacker may know of it.
type scene struct {
	*running
	stack    *resources.Stack
	consoles string            // the console's address
	names    map[string]string // what {name} in a request stands for
	secrets  []string          // must be in no answer at all
	photo    []byte
	intact   *http.Response // how the photo's link is answered
	log      string         // the file of what the stack says
	uploads  int

	counting sync.Mutex
	runs     map[string]int // of functions, by name
}

// ran returns how often a function has run.
func (s *scene) ran(function string) int {
	s.counting.Lock()
	defer s.counting.Unlock()
	return s.runs[function]
}

// newScene starts the stack with changed configuration, in this process so that its counters can be read.
func newScene(t *testing.T, config map[string]string) *scene {
	t.Helper()
	root, err := filepath.Abs("../..")
	require.NoError(t, err)
	doc, region, err := evaluate(root, Options{Stack: "dev", Config: config}, nil)
	require.NoError(t, err)
	bundles, err := resources.BuildBundles(doc, root, io.Discard)
	require.NoError(t, err)
	dir := t.TempDir()
	s := &scene{log: filepath.Join(dir, "log"), runs: map[string]int{}}
	log, err := os.Create(s.log)
	require.NoError(t, err)
	t.Cleanup(func() { log.Close() })
	var p page
	s.stack, err = resources.Start(t.Context(), resources.Options{
		Document: doc, Region: region, Root: root, Dir: dir, Bundles: bundles, Log: log,
		OnRequest: p.onRequest, OnURL: p.onURL,
		OnInvocation: func(function string, report lambda.Report) {
			s.counting.Lock()
			s.runs[function]++
			s.counting.Unlock()
			p.onInvocation(function, report)
		},
	})
	require.NoError(t, err)
	t.Cleanup(func() {
		if s.stack != nil {
			s.stack.Close()
		}
	})
	s.consoles, err = p.serve(doc, s.stack)
	require.NoError(t, err)
	s.running = &running{t: t, dir: dir, base: s.stack.BaseURL, outputs: s.stack.Outputs, s3: s.stack.S3}
	s.names = map[string]string{"host": strings.TrimPrefix(s.base, "http://")}
	s.photo = []byte("the private photo " + rand.Text())
	return s
}

// furnish uploads what is to be protected, and names everything that requests speak of.
func (s *scene) furnish() {
	t := s.t
	object := s.upload("simple-chat/secret name.png", s.photo)
	link := s.ask(object, 0)
	hash := link.Hash
	ending := func(seconds int) string {
		s.uploads++
		return s.ask(s.upload(fmt.Sprintf("simple-chat/secret name %d.png", s.uploads), s.photo), seconds).Hash
	}
	expired, revoked := ending(1), ending(0)
	for _, h := range []string{expired, revoked} {
		fetch(t, "GET", s.base+"/images/"+h) // held by the edge, while it lives
	}
	_, err := s.issuer().Revoke(t.Context(), nil, []string{revoked})
	require.NoError(t, err)
	public := s.issue(s.upload("nudges/open (1).png", []byte("the public photo")), 0)
	escaped := func(format string) (out string) {
		for _, c := range []byte(hash) {
			out += fmt.Sprintf(format, c)
		}
		return out
	}
	s.names = map[string]string{
		"host": strings.TrimPrefix(s.base, "http://"), "hash": hash, "link": "/images/" + hash,
		"ESCAPED": escaped("%%%02X"), "escaped": escaped("%%%02x"), "twice": escaped("%%25%02X"),
		"upper": strings.ToUpper(hash), "lower": strings.ToLower(hash), "begin": hash[:31], "end": hash[31:],
		"forged": hash[:31] + flip(hash[31]), "expired": expired, "revoked": revoked,
		"bucket": s.stack.Bucket, "key": "simple-chat/secret%20name.png",
		"public": strings.TrimPrefix(public, s.base), "etag": "", "long": strings.Repeat("a", 9000),
	}
	var state struct{ Registered map[string]string }
	readJSON(t, filepath.Join(s.dir, "keyvaluestore.json"), &state)
	require.NotEmpty(t, state.Registered)
	s.secrets = append(slices.Collect(maps.Values(state.Registered)), "secret name", "secret%20name",
		resources.Local.SecretAccessKey, s.outputs["mappingTable"].(string), "X-Media-", "x-media-")
	say(t, s.names["host"], s.fill(get("{link}"))) // the edge holds a copy for each encoding
	first := fetch(t, "GET", s.base+"/images/"+hash)
	require.Equal(t, 200, first.StatusCode)
	require.Equal(t, s.photo, first.body)
	s.intact = first.Response
	s.names["etag"] = first.Header.Get("ETag")
	assert.Eventually(t, func() bool {
		return fetch(t, "GET", s.base+"/images/"+expired).StatusCode == http.StatusForbidden
	}, time.Minute, 50*time.Millisecond)
}

// fresh uploads another photo of the same bytes and returns its hash, which no edge has seen.
func (s *scene) fresh() string {
	s.uploads++
	return s.ask(s.upload(fmt.Sprintf("simple-chat/secret name %d.png", s.uploads), s.photo), 0).Hash
}

// fill puts the scene's names into a request.
func (s *scene) fill(request string, more ...string) string {
	pairs := slices.Clone(more)
	for name, value := range s.names {
		pairs = append(pairs, "{"+name+"}", value)
	}
	return strings.NewReplacer(pairs...).Replace(request)
}

// play tries one attack at the CDN, and then sees that the photo's own link is answered as before.
func (s *scene) play(t *testing.T, a attack) {
	t.Helper()
	sends := []string{a.send}
	if a.each != nil {
		sends = a.each(s)
	}
	for _, send := range sends {
		victim := s.names["hash"]
		if strings.Contains(send, "{fresh}") {
			victim = s.fresh()
		}
		send = s.fill(send, "{fresh}", victim)
		before := s.stack.Distribution.Stats()
		raw := say(t, s.names["host"], send)
		after := s.stack.Distribution.Stats()
		method, _, _ := strings.Cut(send, " ")
		first := answered(t, method, raw)
		assert.Equal(t, a.want, first.StatusCode, "%.200q", send)
		for _, secret := range slices.Concat(s.secrets, a.lacks) {
			assert.NotContains(t, string(raw), secret, "%.200q", send)
		}
		for _, has := range a.has {
			assert.Contains(t, string(raw), s.fill(has), "%.200q", send)
		}
		if !a.sees {
			assert.NotContains(t, string(raw), string(s.photo[:len(s.photo)/2]), "%.200q", send)
		}
		assert.True(t, a.edge || after.FunctionCalls == before.FunctionCalls, "the edge function ran: %.200q", send)
		assert.True(t, a.read || after.OriginReads == before.OriginReads, "the bucket was read: %.200q", send)
		s.unharmed(t, victim)
	}
}

// unharmed sees that a link is answered with the photo and the very headers of before.
func (s *scene) unharmed(t *testing.T, hash string) {
	t.Helper()
	a := fetch(t, "GET", s.base+"/images/"+hash)
	require.Equal(t, 200, a.StatusCode, "the good link is answered as before")
	require.Equal(t, s.photo, a.body)
	names := func(h http.Header) []string {
		h = h.Clone()
		h.Del("Age") // only copies have one
		return slices.Sorted(maps.Keys(h))
	}
	assert.Equal(t, names(s.intact.Header), names(a.Header))
	for _, name := range []string{"Content-Type", "Content-Security-Policy", "X-Content-Type-Options", "Vary", "ETag"} {
		assert.Equal(t, s.intact.Header.Values(name), a.Header.Values(name), name)
	}
}

func TestAttacksOnTheRunningStack(t *testing.T) {
	t.Parallel()
	s := newScene(t, map[string]string{"issuerPrincipals": chatPrincipals})
	s.furnish()
	for _, k := range []struct {
		kind    string
		attacks []attack
	}{
		{"spellings of a link", linkSpellings}, {"links that are not alive", deadLinks},
		{"methods", requestMethods}, {"headers", requestHeaders},
		{"public paths", publicPaths},
	} {
		t.Run(k.kind, func(t *testing.T) {
			for _, a := range k.attacks {
				t.Run(a.tries, func(t *testing.T) { s.play(t, a) })
			}
		})
	}
	t.Run("uploads", s.playUploads)
	t.Run("keys", s.playKeys)
	t.Run("callers of the issuer", s.playCallers)
	t.Run("servers beside the CDN", s.playNeighbours)
	t.Run("races", s.playRaces)
	t.Run("another stack", s.playRedirects)
	s.stack.Close()
	s.stack = nil
	said, err := os.ReadFile(s.log)
	require.NoError(t, err)
	for _, secret := range append(slices.Clone(s.secrets[:len(s.secrets)-2]), s.names["hash"], string(s.photo)) {
		assert.NotContains(t, string(said), secret, "in the log")
	}
}
