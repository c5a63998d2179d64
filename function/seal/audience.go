package seal

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"regexp"
)

// Audience stands for the viewers who may see a link: everybody who is signed in
// to a service, or the members of something below it, as a room or a tenant. It
// is the beginning of an HMAC over the audience's name, so nobody without the key
// can search for a name that collides with another.
type Audience [4]byte

// audienceForm is a service's name, and possibly a name below it.
var audienceForm = regexp.MustCompile(`\A[a-z0-9]+(-[a-z0-9]+)*(/[A-Za-z0-9._:@-]{1,128})?\z`)

// CheckAudience returns an error that says why name cannot be the name of an
// audience: it is a service's name, or that and after a slash up to 128 of the
// characters A-Z a-z 0-9 . _ : @ -. It does not know which services there are.
func CheckAudience(name string) error {
	if !audienceForm.MatchString(name) {
		return fmt.Errorf("%.200q is no audience: use a service's name, or the service, a slash and "+
			"1 to 128 of A-Z a-z 0-9 . _ : @ -", name)
	}
	return nil
}

// AudienceKey turns the names of audiences into what links and tickets hold. It
// is never rotated, so that they agree through every rotation of the link keys. It
// does not print its value.
type AudienceKey struct{ value string }

// NewAudienceKey returns the key whose value is that of the store's entry
// [AudienceEntry], 64 ASCII letters and digits. The error does not repeat it.
func NewAudienceKey(value string) (AudienceKey, error) {
	if !isValue(value) {
		return AudienceKey{}, fmt.Errorf("the value of the audiences' key is not %d letters and digits", ValueLength)
	}
	return AudienceKey{value}, nil
}

// Audience returns what stands for a name, which must pass [CheckAudience].
func (k AudienceKey) Audience(name string) Audience {
	mac := hmac.New(sha256.New, []byte(k.value))
	mac.Write([]byte(name))
	return Audience(mac.Sum(nil))
}

// Pseudonym returns what a log may call a viewer: the same for each call, and
// nothing that leads back to the viewer without the key. The line end keeps it
// apart from every audience.
func (k AudienceKey) Pseudonym(viewer string) string {
	mac := hmac.New(sha256.New, []byte(k.value))
	mac.Write([]byte("viewer\n" + viewer))
	return hex.EncodeToString(mac.Sum(nil)[:6])
}

// String says what it is only, so that logging the key by mistake gives nothing
// away.
func (k AudienceKey) String() string { return "audience key" }

// GoString is String, for %#v.
func (k AudienceKey) GoString() string { return k.String() }
