package local

import (
	"bytes"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"secure-media-cdn/function/issue"
)

// playRaces lets what ends a link come while the link is used.
func (s *scene) playRaces(t *testing.T) {
	status := func(hash string, headers ...string) int {
		return answered(t, "GET", say(t, s.names["host"], s.fill(get("/images/"+hash, headers...)))).StatusCode
	}
	revoke := func(objects, hashes []string) {
		_, err := s.issuer().Revoke(t.Context(), objects, hashes)
		require.NoError(t, err)
	}
	t.Run("many viewers fetch while the link is revoked: nobody who asks afterwards sees it", func(t *testing.T) {
		hash := s.fresh()
		var revoked atomic.Bool
		var viewers sync.WaitGroup
		var seen, refused atomic.Int64
		for range 8 {
			viewers.Go(func() {
				for after := 0; after < 5; {
					late := revoked.Load()
					got := status(hash)
					switch {
					case late:
						after++
						assert.Equal(t, 404, got, "asked after the revocation was acknowledged")
						refused.Add(1)
					case got == http.StatusOK:
						seen.Add(1)
					}
				}
			})
		}
		assert.Eventually(t, func() bool { return seen.Load() > 20 }, time.Minute, time.Millisecond)
		revoke(nil, []string{hash})
		revoked.Store(true)
		viewers.Wait()
		assert.EqualValues(t, 40, refused.Load())
	})
	t.Run("links are issued and revoked at once: a last revocation leaves none alive", func(t *testing.T) {
		object := s.upload("simple-chat/contended.png", s.photo)
		var mu sync.Mutex
		hashes := map[string]bool{}
		var work sync.WaitGroup
		for n := range 8 {
			work.Go(func() {
				if n%2 == 1 {
					_, _ = s.issuer().Revoke(t.Context(), []string{object}, nil) // some meet another's and give up
					return
				}
				links, err := s.issuer().Issue(t.Context(), []string{object}, issue.Terms{})
				if err == nil && links[0].Error == nil {
					mu.Lock()
					hashes[links[0].Hash] = true
					mu.Unlock()
				}
			})
		}
		work.Wait()
		require.NotEmpty(t, hashes)
		revoke([]string{object}, nil)
		for hash := range hashes {
			assert.Equal(t, 404, status(hash))
		}
	})
	big := bytes.Repeat([]byte("0123456789abcdef"), 2<<20)
	slowly := func(hash string, meanwhile func()) []byte {
		c, err := net.Dial("tcp", s.names["host"])
		require.NoError(t, err)
		defer c.Close()
		require.NoError(t, c.SetDeadline(time.Now().Add(time.Minute)))
		_, err = io.WriteString(c, s.fill(get("/images/"+hash)))
		require.NoError(t, err)
		begin := make([]byte, 4096)
		_, err = io.ReadFull(c, begin)
		require.NoError(t, err)
		meanwhile()
		rest, _ := io.ReadAll(c)
		return append(begin, rest...)
	}
	for name, end := range map[string]struct {
		seconds, status int
		by              func(hash string)
	}{
		"is revoked": {0, 404, func(hash string) { revoke(nil, []string{hash}) }},
		"expires": {3, 403, func(hash string) {
			assert.Eventually(t, func() bool { return status(hash) == http.StatusForbidden }, time.Minute, 50*time.Millisecond)
		}},
	} {
		t.Run("a download goes on while its link "+name+": it cannot be taken up again", func(t *testing.T) {
			hash := s.ask(s.upload("simple-chat/big "+name, big), end.seconds).Hash
			got := slowly(hash, func() {
				end.by(hash)
				assert.Equal(t, end.status, status(hash, "Range: bytes=4096-"))
			})
			assert.Contains(t, string(got[:20]), "200 OK")
			assert.Equal(t, end.status, status(hash))
			assert.Equal(t, end.status, status(hash, "Range: bytes=4096-8191"))
		})
	}
	t.Run("a hundred requests down one connection: each gets its own answer", func(t *testing.T) {
		var send strings.Builder
		var want []int
		for n := range 100 {
			path, status := "/images/{hash}", 200
			switch n % 4 {
			case 1:
				path, status = "/images/{revoked}", 404
			case 2:
				path, status = "/images/{forged}", 404
			case 3:
				path, status = "/images/{expired}", 403
			}
			fmt.Fprintf(&send, "GET %s HTTP/1.1\r\nHost: {host}\r\n", path)
			if n == 99 {
				send.WriteString("Connection: close\r\n")
			}
			send.WriteString("\r\n")
			want = append(want, status)
		}
		raw := say(t, s.names["host"], s.fill(send.String()))
		var got []int
		for rest := string(raw); ; {
			_, after, found := strings.Cut(rest, "HTTP/1.1 ")
			if !found {
				break
			}
			var status int
			_, err := fmt.Sscan(after, &status)
			require.NoError(t, err)
			got, rest = append(got, status), after
		}
		assert.Equal(t, want, got)
		assert.Equal(t, 25, bytes.Count(raw, s.photo))
	})
	s.unharmed(t, s.names["hash"])
}
