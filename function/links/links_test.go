package links

import (
	"bytes"
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
	"unicode"

	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"secure-media-cdn/function/issue"
	"secure-media-cdn/function/issue/api"
	"secure-media-cdn/function/issue/api/apitest"
	"secure-media-cdn/function/issue/client"
	"secure-media-cdn/function/links/bulk"
)

// deployed is an issuer behind an address that checks signatures.
type deployed struct {
	*httptest.Server
	aws     apitest.AWS
	calls   atomic.Int32
	mu      sync.Mutex
	bodies  []byte                                       // of all calls
	fail    func(call int32, w http.ResponseWriter) bool // answers instead, if true
	outputs string
	local   string // the local stack's outputs, if they are not those
}

func deploy(t *testing.T) *deployed {
	d := &deployed{}
	handler := apitest.As(api.New(d.aws.Issuer(), slog.New(slog.DiscardHandler), time.Now), "chat", "club")
	d.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		call := d.calls.Add(1)
		if d.fail != nil && d.fail(call, w) {
			return
		}
		body, _ := io.ReadAll(r.Body)
		if !signed(r, body) {
			w.WriteHeader(http.StatusForbidden)
			fmt.Fprint(w, `{"Message":"Forbidden"}`)
			return
		}
		d.mu.Lock()
		d.bodies = append(d.bodies, body...)
		d.mu.Unlock()
		r.Body = io.NopCloser(bytes.NewReader(body))
		handler.ServeHTTP(w, r)
	}))
	t.Cleanup(d.Close)
	d.outputs = filepath.Join(t.TempDir(), "outputs.json")
	d.write(t, `{"issuerUrl":"`+d.URL+`/","mediaBucket":"media","mediaBucketRegion":"eu-central-1",`+
		`"mappingTable":"mappings","mappingRegions":["eu-central-1"],"cdnBaseUrl":"https://cdn.example","services":[]}`)
	return d
}

// sent returns the bodies of all calls that were signed.
func (d *deployed) sent() string {
	d.mu.Lock()
	defer d.mu.Unlock()
	return string(d.bodies)
}

func (d *deployed) write(t *testing.T, outputs string) {
	require.NoError(t, os.WriteFile(d.outputs, []byte(outputs), 0o600))
}

var signedAt = regexp.MustCompile(`^AWS4-HMAC-SHA256 Credential=local/\d{8}/eu-central-1/lambda/aws4_request, `)

// signed signs the request again, as its receiver, and compares.
func signed(r *http.Request, body []byte) bool {
	given := r.Header.Get("Authorization")
	at, err := time.Parse("20060102T150405Z", r.Header.Get("X-Amz-Date"))
	if err != nil || !signedAt.MatchString(given) {
		return false
	}
	again, _ := http.NewRequest(r.Method, "http://"+r.Host+r.URL.RequestURI(), bytes.NewReader(body))
	if kind := r.Header.Get("Content-Type"); kind != "" {
		again.Header.Set("Content-Type", kind)
	}
	sum := sha256.Sum256(body)
	_ = v4.NewSigner().SignHTTP(context.Background(), client.LocalCredentials.Value, again, hex.EncodeToString(sum[:]),
		"lambda", "eu-central-1", at)
	return again.Header.Get("Authorization") == given
}

type result struct {
	code     int
	out, err string
}

// links runs the command with the deployment's outputs.
func (d *deployed) links(in string, args ...string) result {
	var out, err bytes.Buffer
	if d.outputs != "" {
		args = append([]string{"--outputs", d.outputs}, args...)
	}
	t := terminal{strings.NewReader(in), &out, &err}
	code := run(context.Background(), args, t, cmp.Or(d.local, d.outputs))
	return result{code, out.String(), err.String()}
}

func TestALinkIsIssuedShownAndRevoked(t *testing.T) {
	t.Parallel()
	d := deploy(t)
	got := d.links("", "issue", "s3://media/chat/a b.jpg")
	require.Equal(t, 0, got.code, got.err)
	columns := strings.Split(strings.TrimSpace(got.out), "\t")
	require.Len(t, columns, 3)
	assert.Equal(t, "s3://media/chat/a b.jpg", columns[0])
	assert.Regexp(t, `^https://cdn\.example/images/[\w-]{32}$`, columns[1])
	assert.Regexp(t, `^\d{4}-.*Z$`, columns[2])
	assert.Empty(t, got.err)

	shown := d.links("", "show", columns[1])
	require.Equal(t, 0, shown.code, shown.err)
	assert.Contains(t, shown.out, "\tlive\t")
	assert.Contains(t, shown.out, "s3://media/chat/a b.jpg")

	revoked := d.links("", "revoke", columns[1])
	require.Equal(t, 0, revoked.code, revoked.err)
	assert.Contains(t, revoked.out, "1 revoked")
	assert.Contains(t, d.links("", "show", hashOf(columns[1])).out, "\trevoked\t")
	d.links("", "issue", "s3://media/chat/a b.jpg")
	assert.Equal(t, "s3://media/chat/a b.jpg\t1 revoked\n", d.links("", "revoke", "s3://media/chat/a b.jpg").out)
}

func TestALinkIsBoundToItsAudience(t *testing.T) {
	t.Parallel()
	d := deploy(t)
	address := func(args ...string) string {
		got := d.links("", append([]string{"issue"}, append(args, "s3://media/club/a.jpg")...)...)
		require.Equal(t, 0, got.code, got.err)
		return strings.Split(got.out, "\t")[1]
	}
	room := address("--audience", "club/room-1")
	assert.Equal(t, room, address("--audience", "club/room-1"))
	assert.NotEqual(t, room, address())
	assert.Equal(t, address("--audience", "club"), address(), "by default it is the service")
	var shown api.Shown
	require.NoError(t, json.Unmarshal([]byte(d.links("", "--json", "show", room).out), &shown))
	assert.Equal(t, "club/room-1", shown.Audience)
	got := d.links("", "issue", "--audience", "chat", "s3://media/chat/a.jpg")
	assert.Equal(t, exitFailed, got.code)
	assert.Contains(t, got.err, "audience: ")
	assert.Contains(t, got.err, "(bad_audience)")
}

func TestAViewerGetsATicketAndLosesIt(t *testing.T) {
	t.Parallel()
	d := deploy(t)
	got := d.links("", "viewer", "ticket", "--ttl", "1h", "ann", "club", "club/room-1")
	require.Equal(t, 0, got.code, got.err)
	columns := strings.Split(strings.TrimSpace(got.out), "\t")
	require.Len(t, columns, 3)
	assert.Equal(t, "ticket:club+club/room-1", columns[0])
	assert.Regexp(t, `^\d{4}-.*Z$`, columns[2])
	ended := d.links(columns[1]+"\n", "viewer", "end", "-")
	require.Equal(t, 0, ended.code, ended.err)
	assert.Equal(t, columns[1]+"\tended\n", ended.out)
	session, _, err := apitest.Names().OpenSessionID(columns[1])
	require.NoError(t, err)
	_, done := d.aws.Ended.Load(session)
	assert.True(t, done)

	var ticket api.Ticket
	require.NoError(t, json.Unmarshal([]byte(d.links("", "--json", "viewer", "ticket", "ann", "club").out), &ticket))
	assert.Contains(t, ticket.Cookie, "__Secure-viewer=")
	ended = d.links("", "--json", "viewer", "end", "short", ticket.Session)
	assert.Equal(t, exitFailed, ended.code)
	lines := strings.Split(strings.TrimSpace(ended.out), "\n")
	require.Len(t, lines, 2, "one that is wrong does not keep the others")
	assert.Contains(t, lines[0], `"code":"bad_session"`)
	assert.JSONEq(t, `{"session":"`+ticket.Session+`","ended":true}`, lines[1])
	got = d.links("", "viewer", "ticket", "ann", "lodge")
	assert.Equal(t, exitFailed, got.code)
	assert.Contains(t, got.err, "audiences[0]: ")
	assert.Contains(t, got.err, "(forbidden)")
	assert.Equal(t, exitUsage, d.links("", "viewer", "ticket", "ann").code)
	assert.Equal(t, exitUsage, d.links("", "viewer").code)
}

func TestAPublicObjectIsWithdrawn(t *testing.T) {
	t.Parallel()
	d := deploy(t)
	d.fail = func(_ int32, w http.ResponseWriter) bool {
		fmt.Fprint(w,
			`{"revocations":[{"object":"s3://media/chat/p","revoked":[],"withdrawn":true},{"object":"s3://media/chat/q",`+
				`"revoked":["h"],"withdrawn":true}]}`)
		return true
	}
	got := d.links("", "revoke", "s3://media/chat/p", "s3://media/chat/q")
	require.Equal(t, 0, got.code, got.err)
	assert.Equal(t, "s3://media/chat/p\twithdrawn\ns3://media/chat/q\t1 revoked\n", got.out)
}

func TestTheLifeOfALinkIsAskedFor(t *testing.T) {
	t.Parallel()
	d := deploy(t)
	for text, want := range map[string]time.Duration{"90": 90 * time.Second, "90s": 90 * time.Second,
		"12h": 12 * time.Hour, "7d": 7 * 24 * time.Hour} {
		got := d.links("", "--json", "issue", "--ttl", text, "s3://media/chat/"+text)
		require.Equal(t, 0, got.code, got.err)
		var l api.Link
		require.NoError(t, json.Unmarshal([]byte(got.out), &l))
		assert.WithinDuration(t, time.Now().Add(want), *l.ExpiresAt, time.Minute)
	}
	for _, text := range []string{"0", "-5s", "1.5s", "1.5d", "soon", "", "d", "99999999999d"} {
		assert.Equal(t, exitUsage, d.links("", "issue", "--ttl="+text, "s3://media/chat/a").code, text)
	}
	got := d.links("", "issue", "--ttl", "31d", "s3://media/chat/a")
	assert.Equal(t, exitFailed, got.code)
	assert.Contains(t, got.err, "ttlSeconds: a link lives for 1 to 2592000 seconds (bad_ttl)")
}

func TestManyObjectsGoInBatchesOfAHundred(t *testing.T) {
	t.Parallel()
	var in strings.Builder
	for n := range 250 {
		fmt.Fprintf(&in, "s3://media/chat/%d.jpg\r\n\n", n)
	}
	d := deploy(t)
	got := d.links(in.String(), "issue", "-")
	require.Equal(t, 0, got.code, got.err)
	assert.EqualValues(t, 3, d.calls.Load())
	lines := strings.Split(strings.TrimSpace(got.out), "\n")
	require.Len(t, lines, 250)
	var last bulk.Result
	require.NoError(t, json.Unmarshal([]byte(lines[249]), &last))
	assert.EqualValues(t, 499, last.Line)
	assert.Equal(t, "s3://media/chat/249.jpg", last.Object)
	assert.Regexp(t, `^links: 250 links, 0 without one \(0 of all by an earlier run\) in `, got.err)
}

func TestJSONIsOneObjectALine(t *testing.T) {
	t.Parallel()
	d := deploy(t)
	got := d.links("", "--json", "issue", "s3://media/chat/a", "s3://other/a")
	assert.Equal(t, exitFailed, got.code)
	lines := strings.Split(strings.TrimSpace(got.out), "\n")
	require.Len(t, lines, 2)
	var good, bad api.Link
	require.NoError(t, json.Unmarshal([]byte(lines[0]), &good))
	require.NoError(t, json.Unmarshal([]byte(lines[1]), &bad))
	assert.Equal(t, good.URL+"/download", good.Download)
	assert.Equal(t, map[string]string{"blur": good.URL + "/blur", "w320": good.URL + "/w320"}, good.Variants)
	assert.Contains(t, good.URL, good.Hash)
	assert.Equal(t, issue.CodeWrongBucket, bad.Error.Code)
	assert.Contains(t, got.err, "s3://other/a: ")
	for _, args := range [][]string{{"show", good.Hash}, {"show", "unknown"}, {"revoke", good.Hash, "s3://media/chat/b"}} {
		for _, line := range strings.Split(strings.TrimSpace(d.links("", append([]string{"--json"}, args...)...).out),
			"\n") {
			assert.True(t, json.Valid([]byte(line)), line)
		}
	}
}

func TestExitCodes(t *testing.T) {
	t.Parallel()
	unknown := strings.Repeat("x", 32)
	for name, tt := range map[string]struct {
		args []string
		in   string
		code int
		say  string // on standard error
	}{
		"all went well": {[]string{"issue", "s3://media/chat/a"}, "", 0, ""},
		"help":          {[]string{"--help"}, "", 0, ""},
		"a part failed": {
			[]string{"issue", "s3://media/chat/a",
				"s3://media/chat/b/"}, "", 1,
			"s3://media/chat/b/: a key that ends in a slash is a directory, and cannot be served (directory)",
		},
		"an unknown link":              {[]string{"show", unknown}, "", 1, "(link_not_found)"},
		"an unknown link to revoke":    {[]string{"revoke", unknown}, "", 1, "(link_not_found)"},
		"no command":                   {nil, "", 2, "links: expected one of"},
		"an unknown flag":              {[]string{"issue", "--fast", "-"}, "", 2, "flag --fast: --help lists what there is"},
		"nothing to issue":             {[]string{"issue"}, "", 2, "name objects, or - for standard input"},
		"nothing on standard input":    {[]string{"issue", "-"}, "\n\n", 2, "nothing to do"},
		"nothing to revoke on it":      {[]string{"revoke", "-"}, "\n\n", 2, "standard input is empty"},
		"standard input twice":         {[]string{"revoke", "-", "-"}, "s3://media/chat/a\n", 2, "write - once"},
		"a line without an end is one": {[]string{"issue", "-"}, "s3://media/chat/a", 0, "links: 1 links, 0 without one"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := deploy(t).links(tt.in, tt.args...)
			assert.Equal(t, tt.code, got.code, got.err)
			if tt.say == "" {
				assert.Empty(t, got.err)
			} else {
				assert.Contains(t, got.err, tt.say)
			}
		})
	}
}

func TestWhatMaySucceedLaterIsTriedAgain(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		fail  func(call int32, w http.ResponseWriter) bool
		code  int
		calls int32
		say   string
	}{
		"throttled twice": {func(call int32, w http.ResponseWriter) bool {
			if call <= 2 {
				w.WriteHeader(http.StatusTooManyRequests)
				fmt.Fprint(w, `{"Message":"Rate Exceeded."}`)
			}
			return call <= 2
		}, 0, 3, ""},
		"a part was busy": {func(call int32, w http.ResponseWriter) bool {
			if call == 1 {
				fmt.Fprint(w, `{"links":[{"object":"s3://media/chat/a","error":{"code":"busy","message":"busy"}}]}`)
			}
			return call == 1
		}, 0, 2, ""},
		"unavailable for good": {func(_ int32, w http.ResponseWriter) bool {
			w.WriteHeader(http.StatusServiceUnavailable)
			fmt.Fprint(w,
				`{"links":[{"object":"s3://media/chat/a","error":{"code":"unavailable","message":"down"}}],`+
					`"error":{"code":"unavailable","message":"down"}}`)
			return true
		}, 1, 5, "s3://media/chat/a: down (unavailable)"},
		"broken for good": {
			func(_ int32,
				w http.ResponseWriter) bool {
				w.WriteHeader(http.StatusBadGateway)
				return true
			}, 3, 5, "answered 502",
		},
		"refused": {
			func(_ int32,
				w http.ResponseWriter) bool {
				w.WriteHeader(http.StatusForbidden)
				return true
			}, 3, 1, "issuerPrincipals",
		},
		"something else": {
			func(_ int32, w http.ResponseWriter) bool { fmt.Fprint(w, "<html>"); return true }, 3, 5, "not its API's",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := deploy(t)
			d.fail = tt.fail
			got := d.links("", "issue", "s3://media/chat/a")
			assert.Equal(t, tt.code, got.code, got.err)
			assert.Equal(t, tt.calls, d.calls.Load())
			assert.Contains(t, got.err, tt.say)
		})
	}
}

func TestAnIssuerThatIsNotThereIsUnreachable(t *testing.T) {
	t.Parallel()
	d := deploy(t)
	d.Close()
	got := d.links("", "issue", "s3://media/chat/a")
	assert.Equal(t, exitUnreachable, got.code)
	assert.Contains(t, got.err, "cannot be reached")
}

func TestOutputsThatDoNotServeAreExplained(t *testing.T) {
	t.Parallel()
	const region = `"mediaBucketRegion":"eu-central-1"`
	for name, tt := range map[string]struct {
		outputs, say string
		local        bool // they are the local run's own
	}{
		"no JSON":   {"issuerUrl: x", "pulumi stack output --json", false},
		"no issuer": {`{` + region + `}`, "issuerUrl", false},
		"no encryption": {
			`{"issuerUrl":"http://abc.lambda-url.eu-central-1.on.aws/",` + region +
				`}`, "is not the address of an issuer", false,
		},
		"no region": {
			`{"issuerUrl":"https://abc.lambda-url.eu-central-1.on.aws/"}`, "is not the address of an issuer", false,
		},
		"another host": {
			`{"issuerUrl":"https://issuer.example/",` + region + `}`, "is not the address of an issuer", false,
		},
		"this machine": {
			`{"issuerUrl":"http://127.0.0.1:9/",` + region + `}`, "is not the address of an issuer", false,
		},
		"this machine with TLS": {
			`{"issuerUrl":"https://127.0.0.1:9/",` + region + `}`, "is not the address of an issuer", false,
		},
		"AWS in the local run's own": {
			`{"issuerUrl":"https://abc.lambda-url.eu-central-1.on.aws/",` + region +
				`}`, "is not the address of a local issuer", true,
		},
		"another host in the local run's": {
			`{"issuerUrl":"http://127.0.0.1.example/",` + region + `}`, "is not the address of a local issuer", true,
		},
		"a control character": {`{"issuerUrl":"\u001b[2J",` + region + `}`, `\x1b[2J`, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := deploy(t)
			if !tt.local {
				d.local = "none.json"
			}
			d.write(t, tt.outputs)
			got := d.links("", "issue", "s3://media/chat/a")
			assert.Equal(t, exitUsage, got.code)
			assert.Contains(t, got.err, tt.say)
			assert.NotContains(t, got.err, "\x1b")
			assert.Zero(t, d.calls.Load())
		})
	}
	d := deploy(t)
	d.outputs = "none.json"
	assert.Equal(t, exitUsage, d.links("", "issue", "s3://media/chat/a").code)
	d.outputs, d.local = "", "none.json"
	got := d.links("", "issue", "s3://media/chat/a")
	assert.Equal(t, exitUsage, got.code)
	assert.Contains(t, got.err, "make run")
}

func TestALoopbackAddressCountsOnlyInTheLocalRunsOwnFile(t *testing.T) {
	t.Parallel()
	d := deploy(t)
	own, err := os.ReadFile(d.outputs)
	require.NoError(t, err)
	require.Equal(t, exitOK, d.links("", "issue", "s3://media/chat/a").code)
	calls := d.calls.Load()
	d.local, d.outputs = d.outputs, filepath.Join(t.TempDir(), "copy.json")
	d.write(t, string(own))
	got := d.links("", "issue", "s3://media/chat/a")
	assert.Equal(t, exitUsage, got.code)
	assert.Equal(t, calls, d.calls.Load(), "nothing was sent")
	d.outputs = ""
	assert.Equal(t, exitOK, d.links("", "issue", "s3://media/chat/a").code, "the local run's file is the default")
}

func TestWhatCannotBeSeenIsPrintedQuoted(t *testing.T) {
	t.Parallel()
	strange := []string{
		"s3://media/chat/a\nb", "s3://media/chat/\x1b[2J", "s3://media/chat/a\tb",
		"s3://media/chat/\u202egpj.exe", "s3://media/chat/\u009b2J", "s3://media/chat/\u2028",
	}
	d := deploy(t)
	for _, args := range [][]string{{"issue"}, {"--json", "issue"}, {"revoke"}, {"--json", "revoke"}} {
		got := d.links("", append(args, strange...)...)
		require.Equal(t, exitOK, got.code, got.err)
		lines := strings.Split(strings.TrimSuffix(got.out, "\n"), "\n")
		require.Len(t, lines, len(strange), "%v", args)
		for n, line := range lines {
			hidden := func(r rune) bool { return !unicode.IsPrint(r) }
			assert.False(t, strings.ContainsFunc(strings.ReplaceAll(line, "\t", ""), hidden), "%q", line)
			if args[0] == "--json" {
				var item struct{ Object string }
				require.NoError(t, json.Unmarshal([]byte(line), &item))
				assert.Equal(t, strange[n], item.Object)
			} else {
				assert.True(t, strings.HasPrefix(line, strconv.Quote(strange[n])+"\t"), line)
			}
		}
	}
	d.fail = func(_ int32, w http.ResponseWriter) bool {
		fmt.Fprint(w,
			`{"links":[{"object":"s3://media/chat/a","error":{"code":"x\u001b]0;","message":"gone\nlinks: all is `+
				`well\u001b[2K"}}]}`)
		return true
	}
	got := d.links("", "issue", "s3://media/chat/a")
	assert.Equal(t, exitFailed, got.code)
	assert.Equal(t, `links: s3://media/chat/a: "gone\nlinks: all is well\x1b[2K" ("x\x1b]0;")`+"\n", got.err)
	d.fail = func(_ int32, w http.ResponseWriter) bool {
		w.WriteHeader(http.StatusForbidden)
		fmt.Fprint(w, `{"Message":"\u001b[31m"}`)
		return true
	}
	got = d.links("", "show", "s3://media/chat/a")
	assert.Equal(t, exitUnreachable, got.code)
	assert.NotContains(t, got.err, "\x1b")
}

func TestWhatIsNotUTF8IsNotSent(t *testing.T) {
	t.Parallel()
	for _, bad := range []string{"s3://media/chat/\xff", "s3://media/chat/\xed\xa0\x80"} {
		for _, command := range []string{"issue", "revoke", "show"} {
			d := deploy(t)
			got := d.links("", command, bad)
			assert.Equal(t, exitUsage, got.code)
			assert.Contains(t, got.err, "is not UTF-8")
			assert.Zero(t, d.calls.Load())
			got = d.links("s3://media/chat/good\n"+bad+"\n", command, "-")
			if command == "issue" {
				assert.Equal(t, exitFailed, got.code)
				assert.Contains(t, got.out, "is not UTF-8")
				assert.NotContains(t, d.sent(), "\ufffd")
				continue
			}
			assert.Equal(t, exitUsage, got.code)
			assert.Zero(t, d.calls.Load())
		}
	}
}
