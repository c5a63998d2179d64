package sealtest

import (
	"encoding/json"
	"os"
	"path/filepath"
	"runtime"
	"testing"

	"github.com/stretchr/testify/require"
)

// Vectors are what testdata/vectors.py of package seal writes.
type Vectors struct {
	Links     []Link
	Audiences []struct{ Name, Key, Audience string }
	Tickets   []Ticket
}

// Link is a hash, and what to say of it at a time if the store has these keys:
// that it is live, bound (live, if the viewer has a ticket), expired, refused (of
// an unknown policy) or forged.
type Link struct {
	Name, Hash, Verdict string
	Keys                map[int]string
	Now, ExpiresAt      int64
	Policy              byte
	Audience            uint32
}

// Ticket is a ticket beside a bound link, and what to say of it: that it is
// admitted, not admitted, expired or forged. Session and audiences are in hex.
type Ticket struct {
	Name, Link, Ticket, Verdict string
	Keys                        map[int]string
	Now, ExpiresAt              int64
	Session                     string
	Audiences                   []string
}

// Read returns the vectors, from whichever package's test it is called.
func Read(t testing.TB) (v Vectors) {
	t.Helper()
	_, here, _, _ := runtime.Caller(0)
	data, err := os.ReadFile(filepath.Join(filepath.Dir(here), "../testdata/vectors.json"))
	require.NoError(t, err)
	require.NoError(t, json.Unmarshal(data, &v))
	return v
}
