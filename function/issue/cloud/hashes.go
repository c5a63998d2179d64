package cloud

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"strings"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"

	"secure-media-cdn/function/issue"
	"secure-media-cdn/function/seal"
)

// keyLife is how old the link keys may be before they are read again: a
// rotation reaches every issuer within it. Until then links are sealed with the
// former key, which the gate accepts as the previous one.
const keyLife = 5 * time.Minute

// Unsealed makes hashes for a stack without a link key.
type Unsealed struct {
	// Random is crypto/rand.Reader outside tests.
	Random io.Reader
}

var _ issue.Hashes = Unsealed{}

// New implements issue.Hashes.
func (u Unsealed) New(context.Context, time.Time) (string, error) { return seal.Random(u.Random) }

// Accepts implements issue.Hashes: without a gate the edge asks only the table.
func (u Unsealed) Accepts(context.Context, string) (bool, error) { return true, nil }

// Sealed makes hashes that the gate accepts, with the keys in a secret. Its
// value is {"current":"<id>:<64 hex digits>","previous":"…"}, previous being
// optional, or the current key alone.
type Sealed struct {
	Client *secretsmanager.Client
	// Secret is the secret's ARN.
	Secret string
	// Random is crypto/rand.Reader outside tests.
	Random io.Reader
	Now    func() time.Time
	Log    *slog.Logger

	mu     sync.Mutex
	keys   *seal.Keys
	readAt time.Time
}

var _ issue.Hashes = (*Sealed)(nil)

// New implements issue.Hashes.
func (s *Sealed) New(ctx context.Context, expiresAt time.Time) (string, error) {
	keys, err := s.Keys(ctx)
	if err != nil {
		return "", err
	}
	return keys.Seal(expiresAt, s.Random)
}

// Accepts implements issue.Hashes: the gate knows the same two keys.
func (s *Sealed) Accepts(ctx context.Context, hash string) (bool, error) {
	keys, err := s.Keys(ctx)
	if err != nil {
		return false, err
	}
	_, err = keys.Open(hash)
	return err == nil, nil
}

// Keys returns the link keys, read again when they are old. If that fails, the
// old ones go on: they are as good as they were a moment ago.
func (s *Sealed) Keys(ctx context.Context) (*seal.Keys, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.keys != nil && s.Now().Sub(s.readAt) < keyLife {
		return s.keys, nil
	}
	keys, err := s.read(ctx)
	switch {
	case err == nil:
		s.keys, s.readAt = keys, s.Now()
	case s.keys == nil:
		return nil, fmt.Errorf("reading the link keys: %w", err)
	default:
		s.Log.Warn("the link keys could not be read again", "error", err)
		s.readAt = s.Now() // not at every call while Secrets Manager is down
	}
	return s.keys, nil
}

// read reads the secret. No error contains any of it.
func (s *Sealed) read(ctx context.Context) (*seal.Keys, error) {
	out, err := s.Client.GetSecretValue(ctx, &secretsmanager.GetSecretValueInput{SecretId: &s.Secret})
	if err != nil {
		return nil, err
	}
	value := strings.TrimSpace(aws.ToString(out.SecretString))
	if !strings.HasPrefix(value, "{") {
		return seal.NewKeys(value, "")
	}
	var keys struct{ Current, Previous string }
	if err := json.Unmarshal([]byte(value), &keys); err != nil {
		return nil, errors.New(`the secret's value is neither a link key nor {"current":"…","previous":"…"}`)
	}
	return seal.NewKeys(keys.Current, keys.Previous)
}
