// Package settings reads the environment of the functions behind Function URLs. Whoever starts them sets it; none of it
// is a secret.
package settings

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws/arn"
)

// The variables that more than one function has.
const (
	// EnvTicketServices: names of the private services that ask for a viewer's ticket, comma separated.
	EnvTicketServices = "MEDIA_TICKET_SERVICES"
	// EnvTicketSeconds: longest life of a viewer's ticket, in seconds; also its life when none is asked for.
	EnvTicketSeconds = "MEDIA_VIEWER_TICKET_SECONDS"
	// EnvCookieDomain: domain of the cookie that carries a ticket, such as example.com.
	EnvCookieDomain = "MEDIA_VIEWER_COOKIE_DOMAIN"
	// EnvKeyGeneration: generation of the link key that seals, 1 to 255.
	EnvKeyGeneration = "MEDIA_LINK_KEY_GENERATION"
	// EnvKeyValueStore: ARN of the gate's KeyValueStore, with the link keys and the revoked links.
	EnvKeyValueStore = "MEDIA_KEY_VALUE_STORE"
)

// Reader reads variables and collects what is wrong with them. What is wrong is read as a zero value.
type Reader struct {
	Getenv   func(string) string
	problems []error
}

// Wrong notes what is wrong with a variable.
func (r *Reader) Wrong(name, format string, args ...any) {
	r.problems = append(r.problems, fmt.Errorf("%s %s", name, fmt.Sprintf(format, args...)))
}

// Err returns all that is wrong, one a line, or nil.
func (r *Reader) Err() error {
	if len(r.problems) == 0 {
		return nil
	}
	return fmt.Errorf("the configuration is wrong:\n%w", errors.Join(r.problems...))
}

// Text reads a text that must not be empty.
func (r *Reader) Text(name string) string {
	value := r.Getenv(name)
	if value == "" {
		r.Wrong(name, "is missing")
	}
	return value
}

// List reads names separated by commas; none is an empty list.
func (r *Reader) List(name string) []string {
	value := r.Getenv(name)
	if value == "" {
		return nil
	}
	names := strings.Split(value, ",")
	for i, n := range names {
		if n == "" || strings.TrimSpace(n) != n || slices.Contains(names[:i], n) {
			r.Wrong(name, "must be distinct names separated by commas, without spaces, not %q", value)
			return nil
		}
	}
	return names
}

// Number reads a whole number from least to most.
func (r *Reader) Number(name string, least, most int) int {
	n, err := strconv.Atoi(r.Getenv(name))
	if err != nil || n < least || n > most {
		r.Wrong(name, "must be a whole number from %d to %d, not %q", least, most, r.Getenv(name))
		return 0
	}
	return n
}

// Seconds reads a time in whole seconds, from least to most.
func (r *Reader) Seconds(name string, least, most time.Duration) time.Duration {
	return time.Duration(r.Number(name, int(least/time.Second), int(most/time.Second))) * time.Second
}

// Flag reads true or false.
func (r *Reader) Flag(name string) bool {
	value := r.Getenv(name)
	if value != "true" && value != "false" {
		r.Wrong(name, "must be true or false, not %q", value)
	}
	return value == "true"
}

// ARN reads the ARN of a resource.
func (r *Reader) ARN(name string) string {
	value := r.Getenv(name)
	if !arn.IsARN(value) {
		r.Wrong(name, "must be an ARN, not %q", value)
	}
	return value
}
