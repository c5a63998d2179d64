package local

import (
	"crypto/rand"
	"encoding/base64"
	mathrand "math/rand/v2"
	"net/http"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"secure-media-cdn/function/issue"
	"secure-media-cdn/function/seal"
)

// TestForgedTicketsNeverReachAFunction shows the local CloudFront, with the real
// gate, many forged and damaged tickets beside a good link, by every carrier. They
// open neither the photo, which is in the cache, nor its variants and the download,
// which are not, and wake no function.
func TestForgedTicketsNeverReachAFunction(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	const key = "discussion/photo.png"
	w.upload(key)
	out, err := w.issuer.Issue(t.Context(), []string{"s3://" + w.issuer.Bucket + "/" + key}, issue.Terms{})
	require.NoError(t, err)
	require.Nil(t, out[0].Err)
	link := seal.LinkPath(out[0].Hash)
	session, err := seal.NewSession(rand.Reader)
	require.NoError(t, err)
	good, err := w.key.SealTicket(seal.Ticket{ExpiresAt: w.now.Add(time.Hour), Session: session,
		Audiences: []seal.Audience{w.audiences().Audience("discussion")}})
	require.NoError(t, err)
	require.Equal(t, http.StatusOK, w.get(link, "Authorization", "Bearer "+good).Code)
	require.EqualValues(t, 1, w.runs.Load(), "a good ticket does reach it")

	// refused shows a ticket, and reports whether the answer is 401.
	forms := []string{"", "/w8", "/square", "/" + seal.Download}
	refused := func(n int, ticket string) bool {
		path := link + forms[n%len(forms)]
		switch n % 3 {
		case 0:
			return w.get(path, "Authorization", "Bearer "+ticket).Code == http.StatusUnauthorized
		case 1:
			return w.get(path, "Cookie", seal.TicketCookie+"="+ticket).Code == http.StatusUnauthorized
		default:
			return w.get(path+"?"+seal.TicketQuery+"="+ticket).Code == http.StatusUnauthorized
		}
	}
	require.False(t, refused(0, good))
	raw, err := base64.RawURLEncoding.DecodeString(good)
	require.NoError(t, err)
	for bit := range 8 * len(raw) {
		damaged := slices.Clone(raw)
		damaged[bit/8] ^= 1 << (bit % 8)
		require.True(t, refused(bit, base64.RawURLEncoding.EncodeToString(damaged)), "bit %d", bit)
	}
	opened := guess(func(random *mathrand.ChaCha8, n int) bool {
		ticket := slices.Clone(raw)
		if n%2 == 0 {
			random.Read(ticket[1:]) // all but the generation in use
		} else {
			random.Read(ticket[len(ticket)-16:]) // the seal alone
		}
		return !refused(n, base64.RawURLEncoding.EncodeToString(ticket))
	})
	assert.Zero(t, opened, "tickets that were answered otherwise than 401")
	assert.EqualValues(t, 1, w.runs.Load(), "no forged ticket reached the edge function")
	assert.Zero(t, w.transforms.Load(), "nor the images function")
}
