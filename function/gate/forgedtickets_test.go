package gate_test

import (
	"context"
	"encoding/base64"
	"flag"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"secure-media-cdn/function/gate"
	"secure-media-cdn/function/seal"
	"secure-media-cdn/function/seal/sealtest"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

var tickets = flag.Int("tickets", 20_000/slowdown, "how many forged and damaged tickets the gate must refuse")

// carriers are those of carrying, in an order that a seed can choose from.
var carriers = []gate.Carrier{gate.Bearer, gate.Query, gate.Cookie}

// TestForgedTicketsPassNothing shows forged and damaged tickets with every carrier
// beside a bound link, and holds the gate to what Go says of every fifth, which
// may be a good one. One seed for each, so that a failure names the ticket.
func TestForgedTicketsPassNothing(t *testing.T) {
	g := withKeys(t, source(t))
	g.store.Put(seal.SessionEntry(signedOut), "1")
	opening := []seal.Key{sealtest.Key(t, 1), sealtest.Key(t, 2)}
	sealing := append(slices.Clone(opening), sealtest.Key(t, 3))
	audiences := []seal.Audience{sealtest.AudienceKey(t).Audience(room), {}, {1, 2, 3, 4}}
	bound := make([]string, len(audiences))
	for i, a := range audiences {
		bound[i] = sealedWith(t, 1+i%2, seal.Claims{ExpiresAt: expiry, Policy: seal.PolicyTicket, Audience: a}, "b")
	}
	var forged atomic.Int64
	var answers [500]atomic.Int64
	parallel(t, *tickets+*tickets/4, func(i int) error {
		seed := rand.NewChaCha8([32]byte{2, byte(i), byte(i >> 8), byte(i >> 16), byte(i >> 24)})
		rng := rand.New(seed)
		ticket, err := randomTicket(rng, seed, sealing, audiences)
		if err != nil {
			return err
		}
		if i%5 > 0 {
			ticket = forge(rng, seed, ticket)
		}
		link := rng.IntN(len(bound))
		want := verdictOnTicket(ticket, audiences[link], opening)
		if i%5 > 0 {
			forged.Add(1)
			if want != 401 {
				return fmt.Errorf("vector %d is not forged: %q", i, ticket)
			}
		}
		a, err := askAs(context.Background(), g.Function, "GET", "/images/"+bound[link],
			carrying(ticket)[carriers[rng.IntN(3)]])
		if err != nil {
			return err
		}
		if a.StatusCode != want || a.passed() != (want == 0) {
			return fmt.Errorf("vector %d, %q: JavaScript %d, Go %d", i, ticket, a.StatusCode, want)
		}
		answers[want].Add(1)
		return nil
	})
	t.Logf("%d admitted, %d for others, %d refused", answers[0].Load(), answers[404].Load(), answers[401].Load())
	assert.EqualValues(t, *tickets, forged.Load())
	for _, status := range []int{0, 401, 404} {
		assert.Greater(t, answers[status].Load(), int64(*tickets/100), "too few tickets with status %d to mean anything",
			status)
	}
	assert.Empty(t, g.log.String())
}

// randomTicket is well sealed, but may be of a generation that the gate does not
// know, expired, of an ended signedIn, or for others.
func randomTicket(rng *rand.Rand, seed *rand.ChaCha8, sealing []seal.Key, audiences []seal.Audience) (string, error) {
	ticket := seal.Ticket{ExpiresAt: now.Add(time.Duration(rng.IntN(7200)-1800) * time.Second), Session: signedIn}
	if rng.IntN(8) == 0 {
		ticket.Session = signedOut
	}
	for range 1 + rng.IntN(seal.MaxAudiences) {
		var a seal.Audience
		if _, err := seed.Read(a[:]); err != nil {
			return "", err
		}
		ticket.Audiences = append(ticket.Audiences, a)
	}
	if rng.IntN(2) == 0 {
		ticket.Audiences[rng.IntN(len(ticket.Audiences))] = audiences[rng.IntN(len(audiences))]
	}
	return sealing[rng.IntN(len(sealing))].SealTicket(ticket)
}

// forge makes something of a ticket that nobody sealed.
func forge(rng *rand.Rand, seed *rand.ChaCha8, ticket string) string {
	raw, _ := base64.RawURLEncoding.DecodeString(ticket)
	switch rng.IntN(10) {
	case 0, 1, 2:
		raw[rng.IntN(len(raw))] ^= byte(1 + rng.IntN(255))
	case 3: // made up, of a generation in use
		_, _ = seed.Read(raw[1:])
		raw[0] = byte(1 + rng.IntN(2))
	case 4: // one audience more
		raw = slices.Insert(raw, 13, 1, 2, 3, 4)
	case 5: // cut off
		raw = raw[:rng.IntN(len(raw))]
	case 6:
		return ticket[:rng.IntN(len(ticket))] + string(rune(rng.IntN(0x2000))) + "-"
	case 7: // a byte more
		raw = slices.Insert(raw, 5, 0)
	case 8: // the generation of the other key
		raw[0] ^= 3
	default:
		return ticket + strings.Repeat("=", 1+rng.IntN(2))
	}
	return base64.RawURLEncoding.EncodeToString(raw)
}

// verdictOnTicket is what the gate must answer, as Go sees it, to a viewer with
// this ticket beside a good link of the audience.
func verdictOnTicket(ticket string, audience seal.Audience, keys []seal.Key) int {
	for _, k := range keys {
		opened, err := k.OpenTicket(ticket)
		switch {
		case err != nil:
		case !now.Before(opened.ExpiresAt), opened.Session == signedOut:
			return 401
		case !slices.Contains(opened.Audiences, audience):
			return 404
		default:
			return 0
		}
	}
	return 401
}

func TestEveryChangeOfAGoodTicket(t *testing.T) {
	const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
	g := withKeys(t, source(t))
	uri := "/images/" + boundTo(t, room, "b")
	for _, ticket := range []string{ticketFor(t, room), ticketOf(t, 1, expiry, signedIn, room, other)} {
		a, err := askAs(context.Background(), g.Function, "GET", uri, bearer(ticket))
		require.NoError(t, err)
		require.True(t, a.passed())

		var damaged []string
		raw, err := base64.RawURLEncoding.DecodeString(ticket)
		require.NoError(t, err)
		for bit := range 8 * len(raw) {
			damaged = append(damaged, flipBit(t, ticket, bit))
		}
		for i := range ticket {
			for _, c := range strings.Replace(alphabet, ticket[i:i+1], "", 1) {
				damaged = append(damaged, ticket[:i]+string(c)+ticket[i+1:])
			}
		}
		parallel(t, len(damaged), func(i int) error {
			a, err := askAs(context.Background(), g.Function, "GET", uri, carrying(damaged[i])[carriers[i%3]])
			if err == nil && a.StatusCode != 401 {
				err = fmt.Errorf("%q got %+v", damaged[i], a)
			}
			return err
		})
	}
}

// FuzzTicket holds the gate to what OpenTicket says of whatever comes as a ticket.
func FuzzTicket(f *testing.F) {
	keys, g := []seal.Key{sealtest.Key(f, 1), sealtest.Key(f, 2)}, withKeys(f, source(f))
	g.store.Put(seal.SessionEntry(signedOut), "1")
	uri, audience := "/images/"+boundTo(f, room, "b"), sealtest.AudienceKey(f).Audience(room)
	for _, k := range kinds(f) {
		f.Add(k.ticket)
	}
	f.Fuzz(func(t *testing.T, ticket string) {
		ticket = strings.ToValidUTF8(ticket, "\ufffd") // JSON has no other text
		want := verdictOnTicket(ticket, audience, keys)
		for carrier, v := range carrying(ticket) {
			a, err := askAs(context.Background(), g.Function, "GET", uri, v)
			if err != nil {
				t.Fatal(err)
			}
			if a.StatusCode != want || a.passed() != (want == 0) {
				t.Fatalf("%q by %s got %+v, want %d", ticket, carrier, a, want)
			}
		}
	})
}
