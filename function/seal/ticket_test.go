package seal_test

import (
	"crypto/hmac"
	crand "crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"math/rand/v2"
	"net/http"
	"slices"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"secure-media-cdn/function/seal"
	"secure-media-cdn/function/seal/sealtest"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

// openTicket opens a ticket with whichever of the keys opens it.
func openTicket(t testing.TB, values map[int]string, ticket string) (seal.Ticket, error) {
	t.Helper()
	for generation, value := range values {
		k, err := seal.NewKey(generation, value)
		require.NoError(t, err)
		if opened, err := k.OpenTicket(ticket); err == nil {
			return opened, nil
		} else if !errors.Is(err, seal.ErrForgedTicket) || len(opened.Audiences) != 0 {
			return opened, err
		}
	}
	return seal.Ticket{}, seal.ErrForgedTicket
}

func TestVectorsOfTickets(t *testing.T) {
	vectors := sealtest.Read(t).Tickets
	require.NotEmpty(t, vectors)
	for _, v := range vectors {
		t.Run(v.Name, func(t *testing.T) {
			ticket, err := openTicket(t, v.Keys, v.Ticket)
			if v.Verdict == "forged" {
				require.ErrorIs(t, err, seal.ErrForgedTicket)
				assert.Zero(t, ticket)
				return
			}
			require.NoError(t, err)
			assert.Equal(t, v.ExpiresAt, ticket.ExpiresAt.Unix())
			assert.Equal(t, v.Session, hex.EncodeToString(ticket.Session[:]))
			var audiences []string
			for _, a := range ticket.Audiences {
				audiences = append(audiences, hex.EncodeToString(a[:]))
			}
			assert.Equal(t, v.Audiences, audiences)

			link, err := open(v.Keys, v.Link)
			require.NoError(t, err)
			require.EqualValues(t, seal.PolicyTicket, link.Policy)
			verdict := "not admitted"
			if v.Now >= ticket.ExpiresAt.Unix() {
				verdict = "expired"
			} else if slices.Contains(ticket.Audiences, link.Audience) {
				verdict = "admitted"
			}
			assert.Equal(t, v.Verdict, verdict)
		})
	}
}

func TestASealedTicketSaysAgainWhatWasSealed(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		want := seal.Ticket{ExpiresAt: time.Unix(int64(rapid.Uint32().Draw(t, "expiry")), 0)}
		copy(want.Session[:], rapid.SliceOfN(rapid.Byte(), 8, 8).Draw(t, "session"))
		for _, a := range rapid.SliceOfN(rapid.SliceOfN(rapid.Byte(), 4, 4), 1, seal.MaxAudiences).Draw(t, "audiences") {
			want.Audiences = append(want.Audiences, seal.Audience(a))
		}
		k, err := seal.NewKey(rapid.IntRange(1, 255).Draw(t, "generation"), sealtest.Value(1))
		require.NoError(t, err)
		ticket, err := k.SealTicket(want)
		require.NoError(t, err)
		require.Regexp(t, `^[A-Za-z0-9_-]{44,210}$`, ticket)
		got, err := k.OpenTicket(ticket)
		require.NoError(t, err)
		require.Equal(t, want, got)
		_, err = k.Open(ticket)
		require.ErrorIs(t, err, seal.ErrForged)
	})
}

func TestTheLayoutOfATicketIsTheOneOfTheSpecification(t *testing.T) {
	value := strings.Repeat("aZ09", 16)
	k, err := seal.NewKey(9, value)
	require.NoError(t, err)
	ticket, err := k.SealTicket(seal.Ticket{ExpiresAt: expiry.Add(999 * time.Millisecond),
		Session: seal.Session([]byte("sessions")), Audiences: []seal.Audience{{1, 2, 3, 4}, {5, 6, 7, 8}}})
	require.NoError(t, err)

	body := append([]byte{9, 0x6b, 0x49, 0xd2, 0x00}, "sessions\x01\x02\x03\x04\x05\x06\x07\x08"...)
	mac := hmac.New(sha256.New, []byte(value))
	mac.Write([]byte("viewer ticket 1\n" + string(body)))
	assert.Equal(t, base64.RawURLEncoding.EncodeToString(append(body, mac.Sum(nil)[:16]...)), ticket)
}

// A link's seal is of 8 bytes and over its body alone, a ticket's of 16 and over
// words before its body. So neither passes for the other, whatever its length.
func TestALinkIsNoTicketAndATicketNoLink(t *testing.T) {
	k := sealtest.Key(t, 1)
	hash, err := k.Seal(seal.Claims{ExpiresAt: expiry, Policy: seal.PolicyTicket}, crand.Reader)
	require.NoError(t, err)
	_, err = k.OpenTicket(hash)
	require.ErrorIs(t, err, seal.ErrForgedTicket)

	mac := hmac.New(sha256.New, []byte(sealtest.Value(1)))
	body := append([]byte{1, 0x6b, 0x49, 0xd2, 0x00}, "sessions\x01\x02\x03\x04"...)
	mac.Write(body)
	_, err = k.OpenTicket(base64.RawURLEncoding.EncodeToString(append(body, mac.Sum(nil)[:16]...)))
	require.ErrorIs(t, err, seal.ErrForgedTicket, "sealed as a link is, without the words")
}

func TestSealTicketRefusesWhatItCannotSay(t *testing.T) {
	k, one := sealtest.Key(t, 1), []seal.Audience{{1}}
	for name, tt := range map[string]struct {
		ticket seal.Ticket
		want   string
	}{
		"no audience": {seal.Ticket{ExpiresAt: expiry}, "1 to 32 audiences, not 0"},
		"too many audiences": {seal.Ticket{ExpiresAt: expiry, Audiences: make([]seal.Audience, 33)},
			"1 to 32 audiences, not 33"},
		"an expiry before 1970":     {seal.Ticket{ExpiresAt: time.Unix(-1, 0), Audiences: one}, "1970 to 2106"},
		"an expiry past four bytes": {seal.Ticket{ExpiresAt: time.Unix(1<<32, 0), Audiences: one}, "1970 to 2106"},
		"no expiry":                 {seal.Ticket{Audiences: one}, "1970 to 2106"},
	} {
		t.Run(name, func(t *testing.T) {
			ticket, err := k.SealTicket(tt.ticket)
			require.ErrorContains(t, err, tt.want)
			assert.Empty(t, ticket)
		})
	}
}

func TestEveryChangeOfATicketIsForged(t *testing.T) {
	values := map[int]string{1: sealtest.Value(1), 2: sealtest.Value(2)}
	for generation := range values {
		ticket, err := sealtest.Key(t, generation).SealTicket(seal.Ticket{ExpiresAt: expiry,
			Audiences: []seal.Audience{{1}, {2}}})
		require.NoError(t, err)
		_, err = openTicket(t, values, ticket)
		require.NoError(t, err)
		for _, damaged := range damage(t, ticket) {
			_, err := openTicket(t, values, damaged)
			require.ErrorIs(t, err, seal.ErrForgedTicket, "%q opened, damaged from %q", damaged, ticket)
		}
	}
}

func TestAKeyOpensOnlyTicketsOfItsOwnGeneration(t *testing.T) {
	one, err := seal.NewKey(1, sealtest.Value(1))
	require.NoError(t, err)
	two, err := seal.NewKey(2, sealtest.Value(1))
	require.NoError(t, err)
	ticket, err := one.SealTicket(seal.Ticket{ExpiresAt: expiry, Audiences: []seal.Audience{{1}}})
	require.NoError(t, err)
	_, err = two.OpenTicket(ticket)
	require.ErrorIs(t, err, seal.ErrForgedTicket)
}

func TestSessions(t *testing.T) {
	s, err := seal.NewSession(strings.NewReader("sessions and more"))
	require.NoError(t, err)
	assert.Equal(t, seal.Session([]byte("sessions")), s)
	assert.Equal(t, "s."+base64.RawURLEncoding.EncodeToString([]byte("sessions")), seal.SessionEntry(s))
	broken := errors.New("no entropy")
	_, err = seal.NewSession(iotest.ErrReader(broken))
	require.ErrorIs(t, err, broken)
	_, err = seal.NewSession(strings.NewReader("short"))
	require.Error(t, err)
}

func TestTheCookieIsWhatBrowsersAreToKeep(t *testing.T) {
	line := seal.SetCookie("a-ticket_", "media.example.com", 12*time.Hour+time.Millisecond)
	assert.Equal(t, "__Secure-viewer=a-ticket_; Domain=media.example.com; Path=/images; Max-Age=43200; Secure; HttpOnly; "+
		"SameSite=Lax", line)
	cookie, err := http.ParseSetCookie(line)
	require.NoError(t, err)
	assert.Equal(t, seal.TicketCookie, cookie.Name)
	assert.Equal(t, "a-ticket_", cookie.Value)
	assert.Equal(t, 43200, cookie.MaxAge)
	assert.Empty(t, cookie.Unparsed)

	cookie, err = http.ParseSetCookie(seal.SetCookie("", "media.example.com", 0))
	require.NoError(t, err)
	assert.Empty(t, cookie.Value)
	assert.Negative(t, cookie.MaxAge, "Max-Age=0 takes it away")
}

func TestOneMillionRandomTicketsAreForged(t *testing.T) {
	k := sealtest.Key(t, 1)
	random := rand.NewChaCha8([32]byte{1})
	raw := make([]byte, 33)
	for range 1_000_000 {
		random.Read(raw)
		raw[0] = 1 // the generation in use: the seal itself must refuse
		ticket := base64.RawURLEncoding.EncodeToString(raw)
		if _, err := k.OpenTicket(ticket); err == nil {
			t.Fatalf("%s opened", ticket)
		}
	}
}

func FuzzOpenTicket(f *testing.F) {
	k := sealtest.Key(f, 2)
	for n := range 3 {
		ticket, err := k.SealTicket(seal.Ticket{ExpiresAt: expiry, Audiences: make([]seal.Audience, n+1)})
		require.NoError(f, err)
		for _, seed := range []string{"", ticket, ticket[:31], ticket + "\n", strings.ToUpper(ticket), "\r\n" + ticket[2:]} {
			f.Add(seed)
		}
	}
	f.Fuzz(func(t *testing.T, s string) {
		ticket, err := k.OpenTicket(s)
		if err != nil {
			if !errors.Is(err, seal.ErrForgedTicket) || ticket.Audiences != nil {
				t.Fatalf("OpenTicket(%q) = %v, %v", s, ticket, err)
			}
			return
		}
		again, err := k.SealTicket(ticket)
		if err != nil || again != s {
			t.Fatalf("%q opened, but is sealed as %q, %v", s, again, err)
		}
	})
}
